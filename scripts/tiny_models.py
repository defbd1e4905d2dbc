"""Makes models/tiny: untrained models of every supported architecture, with the statistics that make trained ones
hard, and what Transformers computes on them in float64.

    python scripts/tiny_models.py [NAME ...]

Per model: hf/ (config.json, model.safetensors), model.gguf where GGUF can say the same, packs/ (hf_reference.py).
Norm gains vary, a few channels are 8 to 50 times louder than the rest, one token is very quiet, biases are not
zero, there are neither one nor all key-value heads, and a head is wider than hidden_size / heads.
The GGUF files are written here from the tensors, by the rules of llama.cpp's converter (rows of Q and K permuted for
llama, 1 added to Gemma's gains, experts stacked, Phi-3's fused matrices as they are), with the `gguf` package: neither side is this project's code.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers

import hf_reference

OUT = Path(__file__).resolve().parent.parent / "models/tiny"
VOCAB, HIDDEN, HEADS, KV_HEADS, HEAD_DIM = 80, 48, 4, 2, 16
# float32 numbers, so that GGUF and JSON say the same.
EPS = float(np.float32(1e-5))

COMMON = {
    "vocab_size": VOCAB,
    "hidden_size": HIDDEN,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": HEAD_DIM,
    "max_position_embeddings": 64,
    "rms_norm_eps": EPS,
    "tie_word_embeddings": False,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
# A context of 8 is over before a prompt is.
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 8}
# The numbers of DeepSeek's attention factor, a ramp whose ends are no whole pairs.
YARN_MSCALE = {
    "rope_type": "yarn",
    "rope_theta": 100.0,
    "factor": 8.0,
    "original_max_position_embeddings": 4,
    "beta_fast": 0.4,
    "beta_slow": 0.03,
    "mscale": 1.5,
    "mscale_all_dim": 0.5,
    "truncate": False,
}
# A context as large as trained models have it, so that the default ramp, here pairs 3 to 5, is as long as theirs.
YARN_LONG = YARN | {"original_max_position_embeddings": 2048}
# The factor makes the attention factor 1.5, which float32 holds: GGUF and JSON say the same.
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "factor": 8.0**1.25,
    "original_max_position_embeddings": 8,
    "short_factor": [1.0, 1.125, 1.0, 1.25, 1.5, 1.25, 2.0, 1.75],
    "long_factor": [1.0, 1.25, 2.0, 3.5, 6.0, 10.0, 14.5, 16.0],
}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
# Scalings show in the rotation: a narrower feed-forward keeps the files small.
SCALED = {"intermediate_size": 32, "max_position_embeddings": 32}
GEMMA = {
    "num_hidden_layers": 3,
    "sliding_window": 4,
    "attn_logit_softcapping": 5.0,
    "final_logit_softcapping": 4.0,
    "tie_word_embeddings": True,
}
# Six layers: five with a window, the last without; rotation at full reach is scaled, as from 4B parameters on.
GEMMA3 = {
    "num_hidden_layers": 6,
    "intermediate_size": 32,
    "sliding_window": 4,
    "tie_word_embeddings": True,
    "query_pre_attn_scalar": HEAD_DIM,
    "rope_parameters": {
        "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
    },
}
# A scale and thetas unlike those of trained ones, which no converter writes to GGUF.
GEMMA3_TEXT = GEMMA3 | {
    "num_hidden_layers": 2,
    "layer_types": ["full_attention", "sliding_attention"],
    "query_pre_attn_scalar": 24,
    "rope_parameters": {
        "full_attention": {"rope_type": "default", "rope_theta": 1000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
    },
}
VISION = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 8, "patch_size": 4}
# Phi3Config knows no head_dim.
PHI3 = {"head_dim": None}
# Half of a head is rotated, by three factors. 8 to the third power is the ratio of the two contexts, so that the
# attention factor is 2, which float32 holds.
PHI3_LONGROPE = SCALED | {
    "head_dim": None,
    "tie_word_embeddings": True,
    "max_position_embeddings": 4096,
    "original_max_position_embeddings": 8,
    "rope_parameters": {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.5,
        "short_factor": [1.0, 1.125, 1.75],
        "long_factor": [1.25, 3.5, 16.0],
    },
}
MOE = {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "norm_topk_prob": True}

# name: (model_type, what differs from COMMON, storage type, whether GGUF can say it)
MODELS = {
    "llama": ("llama", {"rope_parameters": LLAMA3}, torch.float16, True),
    "llama-linear": (
        "llama",
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}, "tie_word_embeddings": True},
        torch.float16,
        True,
    ),
    "mistral": ("mistral", {"sliding_window": 4}, torch.bfloat16, True),
    # Qwen2Config knows no head_dim: the key is dropped, and a head has hidden_size / heads channels.
    "qwen2": ("qwen2", {"head_dim": None, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}, torch.float16, True),
    "qwen2-window": ("qwen2", {"head_dim": None, "use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1}, torch.float16, False),
    "qwen3": ("qwen3", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}, torch.float16, True),
    "qwen3moe": ("qwen3_moe", MOE, torch.float16, True),
    "qwen3moe-raw": ("qwen3_moe", MOE | {"norm_topk_prob": False}, torch.float16, False),
    "gemma2": ("gemma2", GEMMA | {"query_pre_attn_scalar": HEAD_DIM}, torch.float16, True),
    "gemma2-scalar": ("gemma2", GEMMA | {"query_pre_attn_scalar": 24, "final_logit_softcapping": None}, torch.float16, False),
    "llama-yarn": ("llama", SCALED | {"rope_parameters": YARN}, torch.float16, True),
    "qwen2-yarn": ("qwen2", SCALED | {"head_dim": None, "rope_parameters": YARN_MSCALE}, torch.float16, False),
    "qwen3-yarn": ("qwen3", SCALED | {"max_position_embeddings": 8192, "rope_parameters": YARN_LONG}, torch.float16, True),
    "llama-longrope": ("llama", SCALED | {"rope_parameters": LONGROPE}, torch.float16, True),
    "llama-dynamic": ("llama", SCALED | {"max_position_embeddings": 8, "rope_parameters": DYNAMIC}, torch.float16, False),
    "gemma3": ("gemma3_text", GEMMA3, torch.float16, True),
    "gemma3-multimodal": ("gemma3", GEMMA3_TEXT, torch.float16, False),
    "phi3": ("phi3", PHI3 | {"sliding_window": 4}, torch.bfloat16, True),
    "phi3-longrope": ("phi3", PHI3_LONGROPE, torch.float16, True),
}

PROMPTS = [
    {"name": "stages", "tokens": [3, 17, 17, 42, 79, 0, 5, 61, 28]},
    {"name": "logits", "tokens": [70, 1, 33, 33, 8, 54, 20, 76, 2, 41, 9, 66], "stages": ["lm_head"]},
]
# Where frequencies go by the length of the text, the other two are longer than the original context.
WITHIN = {"name": "within", "tokens": [12, 64, 3, 45, 7, 29], "stages": ["q_post_rope", "k_post_rope", "lm_head"]}


def fill(model, seed: int, dtype: torch.dtype) -> None:
    """Weights with the statistics of trained ones, each a number of the storage type."""
    random = torch.Generator().manual_seed(seed)
    loud = {7: 50.0, 19: 8.0, 40: 20.0}
    is_gemma = model.config.model_type.startswith("gemma")

    def normal(shape):
        return torch.randn(shape, generator=random, dtype=torch.float64)

    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            value = 0.4 * normal(weight.shape)
        elif "norm" in name:
            value = (1 + 0.35 * normal(weight.shape)).abs() + 0.05
            if weight.shape[0] == HIDDEN:
                for channel, factor in loud.items():
                    value[channel] /= factor**0.5
            if is_gemma:
                value = value - 1
        else:
            value = normal(weight.shape) / weight.shape[-1] ** 0.5
            if "embed_tokens" in name:
                value = 3 * value
                for channel, factor in loud.items():
                    value[:, channel] *= factor
                # A rare token: where the mean square is small, eps shows.
                value[17] *= 0.002
            if name.endswith("o_proj.weight") or "down_proj" in name:
                for channel, factor in loud.items():
                    value[..., channel, :] *= factor / 4
            # A router that prefers, scores that are not all alike.
            if name.endswith(("mlp.gate.weight", "q_proj.weight", "k_proj.weight")):
                value = 2 * value
            if name.endswith("qkv_proj.weight"):
                value[: value.shape[0] * (HEADS + KV_HEADS) // (HEADS + 2 * KV_HEADS)] *= 2
        weight.data = value.to(dtype)


def make(name: str, seed: int) -> None:
    kind, changes, dtype, in_gguf = MODELS[name]
    settings = {key: value for key, value in (COMMON | changes).items() if not (key == "head_dim" and value is None)}
    if kind == "gemma3":
        settings = {"text_config": settings, "vision_config": VISION, "mm_tokens_per_image": 1}
    config = transformers.AutoConfig.for_model(kind, **settings)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
    fill(model, seed, dtype)
    folder = OUT / name / "hf"
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if in_gguf:
        write_gguf(model, config, name, OUT / name / "model.gguf")
    reference = hf_reference.load(folder, "float64")
    is_by_length = hf_reference.rope_of(config.get_text_config(), "full_attention")["rope_type"] in ("longrope", "dynamic")
    prompts = hf_reference.prepare([*PROMPTS, WITHIN] if is_by_length else PROMPTS, None)
    hf_reference.write_packs(reference, folder, "float64", prompts, OUT / name / "packs")
    sizes = {path.name: path.stat().st_size for path in sorted((OUT / name).rglob("*")) if path.is_file()}
    print(name, sizes)


# ---- GGUF ---------------------------------------------------------------------------------------

NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.gate": "ffn_gate_inp",
    "self_attn.qkv_proj": "attn_qkv",
    "mlp.gate_up_proj": "ffn_up",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def gguf_name(name: str, kind: str) -> str:
    whole = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    stem, ending = name.rsplit(".", 1)
    if stem in whole:
        return f"{whole[stem]}.{ending}"
    _, _, layer, part = stem.split(".", 3)
    is_gemma = kind.startswith("gemma")
    second = {"post_attention_layernorm": "post_attention_norm" if is_gemma else "ffn_norm", "pre_feedforward_layernorm": "ffn_norm"}
    return f"blk.{layer}.{(NAMES | second)[part]}.{ending}"


def permuted(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a head reordered so that i and i + d/2 become neighbours."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(model, config, name: str, path: Path) -> None:
    kind = config.model_type
    arch = {"mistral": "llama", "qwen3_moe": "qwen3moe", "gemma3_text": "gemma3"}.get(kind, kind)
    writer = gguf.GGUFWriter(path, arch)
    # By "phi3" in the name llama.cpp takes special tokens for granted.
    writer.add_name(f"tiny-{name.replace('phi3', 'phi')}")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    rope = hf_reference.rope_of(config, "full_attention")
    writer.add_rope_freq_base(rope["rope_theta"])
    if arch == "phi3":
        writer.add_rope_dimension_count(int(head_dim * rope["partial_rotary_factor"]))
    if arch == "llama":
        writer.add_rope_dimension_count(head_dim)
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "llama3":
        base = rope["rope_theta"] ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
        factors = base / hf_reference.scaled_frequencies(base, rope, 0, 0)
        writer.add_tensor("rope_freqs.weight", factors.to(torch.float32).numpy())
    if rope["rope_type"] in ("yarn", "longrope") and arch != "phi3":
        writer.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
    if rope["rope_type"] in ("yarn", "longrope"):
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "longrope":
        original = rope["original_max_position_embeddings"]
        factor = rope.get("factor", config.max_position_embeddings / original)
        attention_factor = np.sqrt(1 + np.log(factor) / np.log(original))
        writer.add_rope_scaling_attn_factors(attention_factor)
        for length in ("long", "short"):
            writer.add_tensor(f"rope_factors_{length}.weight", np.array(rope[f"{length}_factor"], np.float32))
    if kind in ("mistral", "gemma2", "gemma3_text", "phi3"):
        writer.add_sliding_window(config.sliding_window or 0)
    if kind == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if kind == "qwen3_moe":
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    tensors = dict(model.named_parameters())
    for stored, weight in tensors.items():
        if ".mlp.experts." in stored:
            continue
        if arch == "llama" and stored.endswith(("q_proj.weight", "k_proj.weight")):
            heads = config.num_attention_heads if "q_proj" in stored else config.num_key_value_heads
            weight = permuted(weight, heads)
        add(writer, gguf_name(stored, kind), weight.detach(), kind.startswith("gemma") and "norm" in stored)
    for layer in range(config.num_hidden_layers if kind == "qwen3_moe" else 0):
        experts = model.model.layers[layer].mlp.experts
        gate, up = experts.gate_up_proj.detach().chunk(2, dim=1)
        for part, value in (("gate", gate), ("up", up), ("down", experts.down_proj.detach())):
            add(writer, f"blk.{layer}.ffn_{part}_exps.weight", value, False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add(writer, name: str, weight: torch.Tensor, is_offset: bool) -> None:
    if weight.dim() == 1 or name.endswith("ffn_gate_inp.weight"):
        writer.add_tensor(name, (weight.float() + 1 if is_offset else weight.float()).numpy())
    elif weight.dtype == torch.bfloat16:
        words = weight.contiguous().view(torch.int16).numpy().view(np.uint8)
        writer.add_tensor(name, words, raw_dtype=gguf.GGMLQuantizationType.BF16)
    else:
        writer.add_tensor(name, weight.contiguous().numpy())


def main() -> None:
    torch.set_num_threads(1)
    for seed, name in enumerate(MODELS):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make(name, seed + 1)


if __name__ == "__main__":
    main()
