"""A qwen2 model built as vLLM builds it, for trying out `--map vllm` without vLLM: q, k and v in one product, gate and up
in one, norms that add the residual first, an activation that multiplies by up. Runs folders of Transformers.

    python bench/fused_model.py models/tiny/qwen2/hf --tokens 3,17,42 --out fused.safetensors
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

sys.path.append(str(Path(__file__).parents[1] / "scripts"))
from record_dump import record  # noqa: E402


class ParallelLinear(nn.Linear):
    def forward(self, x):
        return super().forward(x), None


class RMSNorm(nn.Module):
    """(norm(x + residual), x + residual)"""

    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x, residual=None):
        total = x if residual is None else x + residual
        normed = total * torch.rsqrt(total.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight
        return normed if residual is None else (normed, total)


class Rotary(nn.Module):
    def __init__(self, size: int, theta: float):
        super().__init__()
        self.frequencies = 1 / theta ** (torch.arange(0, size, 2) / size)

    def forward(self, positions, q, k):
        angles = positions[:, None, None] * self.frequencies
        return tuple(self.rotate(x, angles.cos(), angles.sin()) for x in (q, k))

    def rotate(self, x, cos, sin):
        a, b = x.unflatten(-1, (-1, 2 * len(self.frequencies))).chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).flatten(1)


class Mixer(nn.Module):
    """The attention itself."""

    def __init__(self, size: int, groups: int):
        super().__init__()
        self.size, self.groups = size, groups

    def forward(self, q, k, v):
        q, k, v = (x.unflatten(-1, (-1, self.size)).transpose(0, 1) for x in (q, k, v))
        k, v = (x.repeat_interleave(self.groups, 0) for x in (k, v))
        scores = q @ k.transpose(1, 2) * self.size**-0.5
        ahead = torch.full_like(scores, -torch.inf).triu(1)
        return (torch.softmax(scores + ahead, -1) @ v).transpose(0, 1).flatten(1)


class Attention(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        width, heads, kv_heads = (config[f"{key}"] for key in ("hidden_size", "num_attention_heads", "num_key_value_heads"))
        size = width // heads
        self.widths = [width, kv_heads * size, kv_heads * size]
        self.qkv_proj = ParallelLinear(width, sum(self.widths))
        self.rotary_emb = Rotary(size, config["rope_parameters"]["rope_theta"])
        self.attn = Mixer(size, heads // kv_heads)
        self.o_proj = ParallelLinear(width, width, bias=False)

    def forward(self, positions, x):
        q, k, v = self.qkv_proj(x)[0].split(self.widths, -1)
        q, k = self.rotary_emb(positions, q, k)
        return self.o_proj(self.attn(q, k, v))[0]


class SiluAndMul(nn.Module):
    def forward(self, x):
        gate, up = x.chunk(2, -1)
        return F.silu(gate) * up


class FeedForward(nn.Module):
    def __init__(self, width: int, inner: int):
        super().__init__()
        self.gate_up_proj = ParallelLinear(width, 2 * inner, bias=False)
        self.act_fn = SiluAndMul()
        self.down_proj = ParallelLinear(inner, width, bias=False)

    def forward(self, x):
        return self.down_proj(self.act_fn(self.gate_up_proj(x)[0]))[0]


class Layer(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        width, eps = config["hidden_size"], config["rms_norm_eps"]
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(width, eps), RMSNorm(width, eps)
        self.self_attn = Attention(config)
        self.mlp = FeedForward(width, config["intermediate_size"])

    def forward(self, positions, x, residual):
        out = self.input_layernorm(x, residual)
        x, residual = (out, x) if residual is None else out
        x, residual = self.post_attention_layernorm(self.self_attn(positions, x), residual)
        return self.mlp(x), residual


class Body(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        width = config["hidden_size"]
        self.embed_tokens = nn.Embedding(config["vocab_size"], width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.norm = RMSNorm(width, config["rms_norm_eps"])

    def forward(self, input_ids, positions):
        x, residual = self.embed_tokens(input_ids), None
        for layer in self.layers:
            x, residual = layer(positions, x, residual)
        return self.norm(x, residual)[0]


class Model(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.model = Body(config)
        self.lm_head = nn.Linear(config["hidden_size"], config["vocab_size"], bias=False)

    def forward(self, input_ids, positions):
        return self.lm_head(self.model(input_ids, positions))


def fused(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """q, k and v one below the other, and gate and up."""
    out = {name: weight.float() for name, weight in weights.items()}
    for parts, whole in ((("q_proj", "k_proj", "v_proj"), "qkv_proj"), (("gate_proj", "up_proj"), "gate_up_proj")):
        for name in [name for name in out if f".{parts[0]}." in name]:
            names = [name.replace(parts[0], part) for part in parts]
            out[name.replace(parts[0], whole)] = torch.cat([out.pop(part) for part in names])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model = Model(json.loads((options.model / "config.json").read_text()))
    model.load_state_dict(fused(load_file(options.model / "model.safetensors")))
    ids = torch.tensor([int(token) for token in options.tokens.split(",")])
    with record(model, options.model, names="vllm") as dump:
        model(input_ids=ids, positions=torch.arange(len(ids)))
    dump.save(options.out)


if __name__ == "__main__":
    main()
