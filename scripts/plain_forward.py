"""A decoder's forward pass in numpy, from the formulas: what hf_reference.py --self-check holds Transformers against."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from captures import Capture


def plain_forward(folder: Path, tokens: list[int]) -> Capture:
    """The same stages for a qwen2 or llama folder, in float64, sharing no code with Transformers."""
    config = json.loads((folder / "config.json").read_text())
    if config["model_type"] not in ("llama", "qwen2") or config["rope_parameters"]["rope_type"] != "default":
        raise SystemExit("the formulas are written out for llama and qwen2 without rope scaling or window")
    weights = {name: w.astype(np.float64) for name, w in load_file(folder / "model.safetensors").items()}
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    d = config.get("head_dim") or config["hidden_size"] // heads
    eps, theta = config["rms_norm_eps"], config["rope_parameters"]["rope_theta"]
    count = len(tokens)
    angles = np.outer(np.arange(count), theta ** (-np.arange(0, d, 2) / d))
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    future = np.triu(np.ones((count, count), bool), 1)
    out: Capture = {}

    def norm(x, name):
        return weights[name] * x / np.sqrt(np.mean(x * x, -1, keepdims=True) + eps)

    def rotate(x):
        """[position, head, d]; channel i turns with channel i + d/2."""
        a, b = x[..., : d // 2], x[..., d // 2 :]
        return np.concatenate((a * cos - b * sin, b * cos + a * sin), -1)

    x = weights["model.embed_tokens.weight"][tokens]
    out["embedding", 0] = x
    for n in range(config["num_hidden_layers"]):
        stage = {}
        base = f"model.layers.{n}."
        stage["attn_norm"] = norm(x, base + "input_layernorm.weight")
        names = [f"{base}self_attn.{part}_proj." for part in "qkv"]
        parts = [stage["attn_norm"] @ weights[name + "weight"].T for name in names]
        stage["qkv_matmul"] = np.concatenate(parts, -1)
        if names[0] + "bias" in weights:
            parts = [part + weights[name + "bias"] for part, name in zip(parts, names)]
            stage["qkv_bias"] = np.concatenate(parts, -1)
        q = rotate(parts[0].reshape(count, heads, d))
        k = rotate(parts[1].reshape(count, kv_heads, d))
        v = parts[2].reshape(count, kv_heads, d)
        stage["q_post_rope"], stage["k_post_rope"], stage["v"] = (y.reshape(count, -1) for y in (q, k, v))
        scores, softmax, attention = (np.zeros((heads, count, w)) for w in (count, count, d))
        for h in range(heads):
            kv = h // (heads // kv_heads)
            s = q[:, h] @ k[:, kv].T / np.sqrt(d)
            scores[h] = np.where(future, 0, s)
            e = np.where(future, 0, np.exp(s - np.max(np.where(future, -np.inf, s), -1, keepdims=True)))
            softmax[h] = e / e.sum(-1, keepdims=True)
            attention[h] = softmax[h] @ v[:, kv]
        stage["attn_scores"], stage["attn_softmax"] = scores, softmax
        stage["attention"] = attention.transpose(1, 0, 2).reshape(count, -1)
        stage["attn_out"] = stage["attention"] @ weights[base + "self_attn.o_proj.weight"].T
        x = stage["post_attn_residual"] = x + stage["attn_out"]
        stage["ffn_norm"] = norm(x, base + "post_attention_layernorm.weight")
        stage["ffn_gate"] = stage["ffn_norm"] @ weights[base + "mlp.gate_proj.weight"].T
        stage["ffn_up"] = stage["ffn_norm"] @ weights[base + "mlp.up_proj.weight"].T
        stage["ffn_silu"] = stage["ffn_gate"] / (1 + np.exp(-stage["ffn_gate"]))
        stage["ffn_swigl"] = stage["ffn_silu"] * stage["ffn_up"]
        stage["ffn_out"] = stage["ffn_swigl"] @ weights[base + "mlp.down_proj.weight"].T
        x = stage["post_ffn_residual"] = x + stage["ffn_out"]
        out |= {(name, n): value for name, value in stage.items()}
    out["final_norm", None] = norm(x, "model.norm.weight")
    head = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
    out["lm_head", None] = out["final_norm", None] @ head.T
    return out
