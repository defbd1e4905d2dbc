"""Runs a model in Hugging Face Transformers and keeps the value of every stage, for every position.

    python scripts/hf_reference.py --model models/sums-2m/hf --dtype float64 \
        --prompts models/sums-2m/packs/prompts.json --out models/sums-2m/packs/float64
    python scripts/hf_reference.py --model models/sums-2m/hf --prompts ... --self-check

A prompts file is a JSON array; each entry has a `name` and one of
    "prompt": text, tokenised as it stands, special tokens parsed;
    "prompt": text with "chatTemplate": true, one user message through the model's chat template;
    "tokens": ids, used exactly as they stand.

float32 is Transformers untouched. float64 replaces the three places where Transformers rounds to
float32 whatever the model's dtype (RMSNorm, the RoPE tables, the attention softmax); PATCHES names them
and every manifest lists them. --self-check compares the float64 run with `plain_forward`, written here in
numpy from the formulas.

One capture per prompt, in the layout of a trace:
    <out>/<name>/layer-<N>/<stage>.bin, <out>/<name>/<stage>.bin, <out>/<name>/manifest.json
    "APRT" | u32 layer, 0xFFFFFFFF = whole model | u32 element count | f32 ...   (little-endian)
Values are [position, channel], row-major; attn_scores and attn_softmax are [head, query, key].
"""

import argparse
import hashlib
import json
import platform
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file

WHOLE_MODEL = 0xFFFFFFFF
LAYER_STAGES = (
    "attn_norm qkv_matmul qkv_bias q_post_rope k_post_rope v attn_scores attn_softmax attention attn_out "
    "post_attn_residual ffn_norm ffn_gate ffn_up ffn_silu ffn_swigl ffn_out post_ffn_residual"
).split()
STAGES = ["embedding", *LAYER_STAGES, "final_norm", "lm_head"]
PATCHES = {
    "float32": [],
    "float64": [
        "RMSNorm computed in float64 (Transformers: float32)",
        "RoPE inverse frequencies, angles, cos and sin computed in float64 (Transformers: float32)",
        "attention softmax computed in float64 (Transformers: float32)",
    ],
}

# (stage, layer or None) -> value in the dtype it was computed in
Capture = dict[tuple[str, int | None], np.ndarray]


# ---- Transformers -------------------------------------------------------------------------------


def eager_float64(module, query, key, value, attention_mask, scaling, **_):
    """softmax(q k^T * scaling + mask) v, with no rounding to float32."""
    groups = module.num_key_value_groups
    keys, values = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    weights = torch.softmax(query @ keys.transpose(2, 3) * scaling + attention_mask, -1)
    return (weights @ values).transpose(1, 2).contiguous(), weights


def rmsnorm_float64(module, x: torch.Tensor) -> torch.Tensor:
    """w * x / sqrt(mean(x^2) + eps)"""
    return module.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + module.variance_epsilon))


def rope_tables_float64(module, x: torch.Tensor, position_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin of position * theta^(-2i/d), each half repeated."""
    if module.rope_type != "default":
        raise SystemExit(f"float64 RoPE tables: rope_type is {module.rope_type}, only default is written out here")
    config = module.config
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    theta = config.rope_parameters["rope_theta"]
    frequencies = theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = position_ids[..., None].double() * frequencies
    angles = torch.cat((angles, angles), -1)
    return angles.cos(), angles.sin()


def load(folder: Path, dtype: str):
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=getattr(torch, dtype), attn_implementation="eager"
    ).eval()
    if dtype == "float64":
        for module in model.modules():
            if type(module).__name__.endswith("RMSNorm"):
                module.forward = rmsnorm_float64.__get__(module)
            elif type(module).__name__.endswith("RotaryEmbedding"):
                module.forward = rope_tables_float64.__get__(module)
    return model


@contextmanager
def tapped_attention(model, keep) -> Iterator[None]:
    """Wraps the model's eager attention: the only place that sees q and k after RoPE and the weights."""
    source = sys.modules[type(model).__module__]
    original = source.eager_attention_forward
    compute = eager_float64 if model.dtype == torch.float64 else original

    def attention(module, query, key, value, attention_mask, scaling, **options):
        output, weights = compute(module, query, key, value, attention_mask, scaling=scaling, **options)
        layer = module.layer_idx
        for stage, heads in (("q_post_rope", query), ("k_post_rope", key), ("v", value)):
            keep(stage, layer, heads[0].transpose(0, 1).flatten(1))  # [head, position, d] -> [position, head*d]
        keys = key.repeat_interleave(module.num_key_value_groups, 1)
        keep("attn_scores", layer, torch.tril(query @ keys.transpose(2, 3) * scaling)[0])
        keep("attn_softmax", layer, weights[0])
        return output, weights

    source.eager_attention_forward = attention
    try:
        yield
    finally:
        source.eager_attention_forward = original


@torch.no_grad()
def capture(model, tokens: list[int]) -> Capture:
    """One forward pass over `tokens`, every stage kept."""
    values: Capture = {}

    def keep(stage: str, layer: int | None, value: torch.Tensor) -> None:
        values[stage, layer] = value.detach().numpy().copy()

    def output(module, stage: str, layer: int | None):
        return module.register_forward_hook(lambda _, __, out: keep(stage, layer, out[0]))

    def given(module, stage: str, layer: int | None):
        return module.register_forward_pre_hook(lambda _, args: keep(stage, layer, args[0][0]))

    def projections(attention, layer: int):
        """[q|k|v] per position, without and with the bias. The model's own path is left as it is."""
        parts = (attention.q_proj, attention.k_proj, attention.v_proj)
        biased = []

        def joined(part, args, out):
            biased.append((args[0], out))
            if len(biased) == len(parts):
                plain = [torch.nn.functional.linear(args[0], p.weight) for p in parts]
                keep("qkv_matmul", layer, torch.cat(plain, -1)[0])
                if parts[0].bias is not None:
                    keep("qkv_bias", layer, torch.cat([out for _, out in biased], -1)[0])

        return [part.register_forward_hook(joined) for part in parts]

    body = model.model
    hooks = [output(body.embed_tokens, "embedding", 0)]
    for n, layer in enumerate(body.layers):
        hooks += projections(layer.self_attn, n)
        hooks += [
            output(layer.input_layernorm, "attn_norm", n),
            given(layer.self_attn.o_proj, "attention", n),
            output(layer.self_attn.o_proj, "attn_out", n),
            given(layer.post_attention_layernorm, "post_attn_residual", n),
            output(layer.post_attention_layernorm, "ffn_norm", n),
            output(layer.mlp.gate_proj, "ffn_gate", n),
            output(layer.mlp.up_proj, "ffn_up", n),
            output(layer.mlp.act_fn, "ffn_silu", n),
            given(layer.mlp.down_proj, "ffn_swigl", n),
            output(layer.mlp.down_proj, "ffn_out", n),
            output(layer, "post_ffn_residual", n),
        ]
    hooks += [output(body.norm, "final_norm", None), output(model.lm_head, "lm_head", None)]
    try:
        with tapped_attention(model, keep):
            model(torch.tensor([tokens]), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return values


# ---- The formulas in numpy ----------------------------------------------------------------------


def plain_forward(folder: Path, tokens: list[int]) -> Capture:
    """The same stages for a qwen2 or llama folder, in float64, sharing no code with Transformers."""
    config = json.loads((folder / "config.json").read_text())
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


def self_check(folder: Path, model, prompts: list[dict]) -> bool:
    """Prints, per stage, the largest |Transformers - numpy| over all prompts, layers and elements."""
    worst = dict.fromkeys(STAGES, 0.0)
    size = dict.fromkeys(STAGES, 0.0)
    for prompt in prompts:
        ours = plain_forward(folder, prompt["tokens"])
        theirs = capture(model, prompt["tokens"])
        if ours.keys() != theirs.keys():
            raise SystemExit(f"stages differ: {sorted(map(str, ours.keys() ^ theirs.keys()))}")
        for (stage, layer), value in ours.items():
            other = theirs[stage, layer]
            if other.shape != value.shape or other.dtype != np.float64 or not np.isfinite(value).all():
                raise SystemExit(f"{stage}: {other.dtype} {other.shape} against {value.dtype} {value.shape}")
            worst[stage] = max(worst[stage], np.abs(other - value).max())
            size[stage] = max(size[stage], np.abs(value).max())
    for stage in STAGES:
        print(f"{stage:20} max |difference| {worst[stage]:.2e}   max |value| {size[stage]:.2e}")
    limit = 1e-12
    within = all(worst[stage] <= limit * max(1.0, size[stage]) for stage in STAGES)
    print(f"self-check: {'within' if within else 'NOT within'} {limit} of the largest value of each stage")
    return within


# ---- Captures on disk ---------------------------------------------------------------------------


def prepare(entries: list[dict], tokenizer) -> list[dict]:
    """Adds to every prompt the ids that are fed to the model."""
    prompts = []
    for entry in entries:
        text, template = entry.get("prompt"), entry.get("chatTemplate", False)
        if "tokens" in entry:
            tokens = entry["tokens"]
        elif template:
            message = {"role": "user", "content": text}
            tokens = tokenizer.apply_chat_template([message], add_generation_prompt=True, return_dict=False)
        else:
            tokens = tokenizer.encode(text)
        prompts.append({"name": entry["name"], "prompt": text, "chatTemplateApplied": template, "tokens": tokens})
    return prompts


def write_capture(values: Capture, folder: Path) -> dict:
    """Writes the stage files; returns the manifest's `files`."""
    files = {}
    for stage, layer in sorted(values, key=lambda key: (key[1] is None, key[1], STAGES.index(key[0]))):
        value = values[stage, layer]
        relative = f"{stage}.bin" if layer is None else f"layer-{layer}/{stage}.bin"
        header = b"APRT" + struct.pack("<II", WHOLE_MODEL if layer is None else layer, value.size)
        content = header + value.astype("<f4").tobytes()
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files[relative] = {
            "stage": stage,
            "layer": layer,
            "shape": list(value.shape),
            "dtype": "f32",
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    return files


def write_pack(model, folder: Path, dtype: str, prompts: list[dict], out: Path) -> None:
    weights = folder / "model.safetensors"
    about_model = {
        "name": folder.name if folder.name != "hf" else folder.parent.name,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "architecture": model.config.model_type,
    }
    for prompt in prompts:
        target = out / prompt["name"]
        files = write_capture(capture(model, prompt["tokens"]), target)
        manifest = {
            "schemaVersion": 1,
            "producer": {
                "name": "transformers",
                "version": transformers.__version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
                "dtype": dtype,
                "patches": PATCHES[dtype],
            },
            "model": about_model,
            "tokens": prompt["tokens"],
            "positions": "all",
            "prompt": prompt["prompt"],
            "chatTemplateApplied": prompt["chatTemplateApplied"],
            "files": files,
        }
        (target / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
        print(f"{target.name}: {len(prompt['tokens'])} positions, {len(files)} files")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    parser.add_argument("--dtype", choices=tuple(PATCHES), default="float64")
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="folder for the captures")
    parser.add_argument("--self-check", action="store_true", help="compare the float64 run with numpy, write nothing")
    options = parser.parse_args()
    if not options.self_check and options.out is None:
        parser.error("--out is needed unless --self-check is given")
    torch.set_num_threads(1)

    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    prompts = prepare(json.loads(options.prompts.read_text()), tokenizer)
    if options.self_check:
        sys.exit(0 if self_check(options.model, load(options.model, "float64"), prompts) else 1)
    write_pack(load(options.model, options.dtype), options.model.resolve(), options.dtype, prompts, options.out)


if __name__ == "__main__":
    main()
