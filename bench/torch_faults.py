"""Known bugs of inference engines, planted in Transformers models by patching modules and functions, and recorded.

    python bench/torch_faults.py --out FOLDER

Every fault is planted in a fresh model, in float32 and in the half type that the model is stored in, and so is nothing
at all (the healthy counterparts). FOLDER gets a dump for each and faults.json: what was planted, where it should be found,
and which model judges. bench/torch-faults.ts judges them and prints the table. Nothing here is shared with the
catalogue of faults in src/.
"""

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import torch
import transformers
from torch import nn

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "scripts"))
from record_dump import record  # noqa: E402

MODELS = {name: f"models/tiny/{name}/hf" for name in ("llama", "mistral", "qwen2", "qwen3", "qwen3moe", "gemma2")}
MODELS["sums-2m"] = "models/sums-2m/hf"
TOKENS = {"sums-2m": [766, 266, 198, 272, 269, 220, 17, 10, 17, 30, 767, 198, 766, 265, 198]}
TINY_TOKENS = [3, 17, 17, 42, 79, 0, 5, 61, 28, 9, 33]

FAULTS: list[dict] = []


def fault(model: str, *expected: str):
    """Of the model's values, those at which the fault may be named."""

    def add(plant):
        FAULTS.append({"id": plant.__name__, "says": plant.__doc__, "model": model, "expected": expected, "plant": plant})
        return plant

    return add


def source(model):
    """The module of Transformers that the model's classes are from; functions are looked up there."""
    return sys.modules[type(model).__module__]


def replaced(owner, name: str, make):
    """`make` gets the old one. Stays for as long as the context."""
    return patch.object(owner, name, make(getattr(owner, name)))


def after(module: nn.Module, change) -> None:
    """Changes the output before anybody sees it."""
    forward = module.forward
    module.forward = lambda *args, **kwargs: change(forward(*args, **kwargs))


# Norms


@fault("qwen2", "layer-0/attn_norm")
def norm_eps(model):
    """epsilon ten times too large in every norm"""
    for module in model.modules():
        if hasattr(module, "variance_epsilon"):
            module.variance_epsilon *= 10


@fault("sums-2m", "layer-1/ffn_norm")
def norm_gain(model):
    """a norm without its weight in one layer"""
    norm = model.model.layers[1].post_attention_layernorm
    norm.weight = nn.Parameter(torch.ones_like(norm.weight))


@fault("gemma2", "layer-1/ffn_norm")
def norm_offset(model):
    """gain w instead of 1 + w in one norm"""
    norm = model.model.layers[1].pre_feedforward_layernorm
    norm.weight = nn.Parameter(norm.weight - 1)


@fault("sums-2m", "final_norm")
def norm_final(model):
    """the last norm is skipped"""
    model.model.norm.forward = lambda x: x * 1


# Projections


@fault("sums-2m", "layer-1/q_bias", "layer-1/q_matmul")
def head_permuted(model):
    """the rows of one query head in reverse order"""
    with torch.no_grad():
        q = model.model.layers[1].self_attn.q_proj
        rows = slice(2 * 32, 3 * 32)
        q.weight[rows], q.bias[rows] = q.weight[rows].flip(0), q.bias[rows].flip(0)


@fault("qwen2", "layer-1/v_bias")
def bias_dropped(model):
    """the value bias is not added in one layer"""
    model.model.layers[1].self_attn.v_proj.bias = None


@fault("mistral", "layer-1/attn_out")
def projection_q8(model):
    """o_proj multiplies by activations rounded to 8 bits"""
    projection = model.model.layers[1].self_attn.o_proj
    forward = projection.forward

    def quantised(x):
        scale = x.abs().amax(-1, keepdim=True) / 127
        return forward((x / scale).round() * scale)

    projection.forward = quantised


@fault("sums-2m", "layer-2/ffn_out")
def row_zeroed(model):
    """one row of down_proj is zero"""
    with torch.no_grad():
        model.model.layers[2].mlp.down_proj.weight[77] = 0


@fault("llama", "lm_head")
def head_bf16(model):
    """the head multiplies in bfloat16"""
    head = model.lm_head
    head.forward = lambda x: nn.functional.linear(x.bfloat16(), head.weight.bfloat16()).to(x.dtype)


@fault("gemma2", "lm_head_uncapped")
def head_untied(model):
    """a tied head has other rows than the embedding"""
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.roll(1, 0))


# Rotation


@fault("mistral", "layer-0/q_post_rope")
def rope_theta(model):
    """rope theta 500000 instead of 10000"""
    rotary = model.model.rotary_emb
    rotary.inv_freq = 1 / 500000 ** (torch.arange(0, 16, 2) / 16)


@fault("llama", "layer-0/q_post_rope")
def rope_scaling(model):
    """the scaling of rope (llama3) is not read"""
    model.model.rotary_emb.inv_freq = 1 / 10000 ** (torch.arange(0, 16, 2) / 16)


@fault("mistral", "layer-0/q_post_rope")
def rope_pairs(model):
    """neighbours are rotated together instead of halves"""

    def rotate_neighbours(x):
        return torch.stack((-x[..., 1::2], x[..., 0::2]), -1).flatten(-2)

    def interleaved(old):
        def apply(q, k, cos, sin, unsqueeze_dim=1):
            cos, sin = (table.chunk(2, -1)[0].repeat_interleave(2, -1).unsqueeze(1) for table in (cos, sin))
            return q * cos + rotate_neighbours(q) * sin, k * cos + rotate_neighbours(k) * sin

        return apply

    return replaced(source(model), "apply_rotary_pos_emb", interleaved)


@fault("sums-2m", "layer-0/q_post_rope")
def position_off(model):
    """the last token has the position after its own"""
    rotary = model.model.rotary_emb
    forward = rotary.forward

    def shifted(x, positions):
        positions = positions.clone()
        positions[..., -1] += 1
        return forward(x, positions)

    rotary.forward = shifted


# Attention


@fault("mistral", "layer-0/attention")
def kv_heads(model):
    """query head h reads key-value head h modulo their number"""
    return replaced(source(model), "repeat_kv", lambda old: lambda x, times: x.repeat(1, times, 1, 1))


@fault("qwen2", "layer-1/attention")
def scale_missing(model):
    """scores are not scaled in one layer"""
    model.model.layers[1].self_attn.scaling = 1.0


@fault("qwen3", "layer-0/attention")
def scale_square(model):
    """scores are divided by the head size, not by its root"""
    for layer in model.model.layers:
        layer.self_attn.scaling = 1 / 16


def masked(model, change):
    """`change` gets the mask that is added to the scores."""

    def make(old):
        def attention(module, query, key, value, attention_mask, **kwargs):
            return old(module, query, key, value, change(attention_mask), **kwargs)

        return attention

    return replaced(source(model), "eager_attention_forward", make)


@fault("qwen2", "layer-0/attention")
def mask_off(model):
    """every position sees the next one"""
    return masked(model, lambda mask: torch.cat((mask[..., 1:], mask[..., -1:]), -1))


@fault("mistral", "layer-0/attention")
def window_ignored(model):
    """the sliding window is ignored"""
    return masked(model, lambda mask: torch.triu(torch.full_like(mask, torch.finfo(mask.dtype).min), 1))


@fault("mistral", "layer-0/attention")
def window_short(model):
    """the sliding window is one position short"""
    model.config.sliding_window -= 1


@fault("gemma2", "layer-0/attention")
def softcap_dropped(model):
    """scores are not capped"""
    for layer in model.model.layers:
        layer.self_attn.attn_logit_softcapping = None


@fault("sums-2m", "layer-0/attention")
def softmax_overflow(model):
    """softmax in float16, without its largest score taken away"""

    def make(old):
        def softmax(x, dim=-1, dtype=None):
            powers = x.half().exp()
            return (powers / powers.sum(dim, keepdim=True)).to(x.dtype)

        return softmax

    return replaced(nn.functional, "softmax", make)


# Feed-forward and experts


@fault("sums-2m", "layer-1/ffn_silu")
def activation(model):
    """GELU instead of SiLU in one layer"""
    model.model.layers[1].mlp.act_fn.forward = nn.functional.gelu


@fault("mistral", "layer-1/ffn_gate")
def gate_up_swapped(model):
    """gate and up have each other's weights in one layer"""
    mlp = model.model.layers[1].mlp
    mlp.gate_proj.weight, mlp.up_proj.weight = mlp.up_proj.weight, mlp.gate_proj.weight


@fault("qwen3moe", "layer-1/moe_gate")
def experts_swapped(model):
    """two experts have each other's gate and up in one layer"""
    experts = model.model.layers[1].mlp.experts
    order = torch.tensor([1, 0, *range(2, experts.num_experts)])
    experts.gate_up_proj = nn.Parameter(experts.gate_up_proj[order])


@fault("qwen3moe", "layer-0/moe_router")
def shares_raw(model):
    """the shares of the chosen experts do not add up to 1"""
    for layer in model.model.layers:
        layer.mlp.gate.norm_topk_prob = False


@fault("qwen3moe", "layer-1/moe_router_indices")
def experts_late(model):
    """every position goes to the experts of the one before it"""
    after(model.model.layers[1].mlp.gate, lambda out: (out[0], out[1], out[2].roll(1, 0)))


# Around the layers


@fault("sums-2m", "layer-1/post_attn_residual", "layer-1/ffn_norm")
def residual_dropped(model):
    """attention's input is not added to its output in one layer"""
    layer = model.model.layers[1]

    def forward(hidden_states, **kwargs):
        mixed, _ = layer.self_attn(hidden_states=layer.input_layernorm(hidden_states), **kwargs)
        return mixed + layer.mlp(layer.post_attention_layernorm(mixed))

    layer.forward = forward


@fault("gemma2", "layer-0/embedding")
def embedding_unscaled(model):
    """the embedding is not multiplied by the root of its width"""
    model.model.embed_tokens.embed_scale = torch.tensor(1.0)


@fault("gemma2", "lm_head")
def logits_uncapped(model):
    """logits are not capped"""
    model.config.final_logit_softcapping = None


def load(name: str, dtype: str):
    kind = "auto" if dtype == "half" else torch.float32
    path = ROOT / MODELS[name]
    return transformers.AutoModelForCausalLM.from_pretrained(path, dtype=kind, attn_implementation="eager").eval()


def run(name: str, dtype: str, plant, path: Path) -> str:
    model = load(name, dtype)
    tokens = torch.tensor([TOKENS.get(name, TINY_TOKENS)])
    planted = None if plant is None else plant(model)
    with planted or nullcontext(), record(model, ROOT / MODELS[name]) as dump:
        model(input_ids=tokens, use_cache=False)
    dump.save(path)
    return str(model.dtype).removeprefix("torch.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    healthy = [{"id": f"healthy-{name}", "says": "nothing", "model": name, "expected": (), "plant": None} for name in MODELS]
    entries = []
    for entry in [*healthy, *FAULTS]:
        plant = entry.pop("plant")
        for dtype in ("float32", "half"):
            path = out / f"{entry['id']}.{dtype}.safetensors"
            computed = run(entry["model"], dtype, plant, path)
            entries.append(entry | {"dtype": computed, "dump": path.name, "model": MODELS[entry["model"]]})
    (out / "faults.json").write_text(json.dumps(entries, indent=1) + "\n")
    print(f"{out}: {len(entries)} dumps")


if __name__ == "__main__":
    main()
