"""What Transformers makes of config.json files in which keys are set or left out: the oracle of architecture-config.

    python scripts/config_vectors.py

Reads the configs of models/tiny, changes one thing at a time ("-" leaves a key out, as does null for rope_parameters
and layer_types), lets Transformers' own config classes fill in the rest, and writes
falsifiers/vectors/architecture-config.json. Beside them what published checkpoints state, which leave much to the
classes; without the keys that no reader looks at.
"""

import copy
import json
from pathlib import Path

import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

ROOT = Path(__file__).resolve().parent.parent
COMMON = ["rms_norm_eps", "rope_parameters", "tie_word_embeddings"]
# What to leave out, and what to set, by model type.
DROPPED = {
    "llama": COMMON,
    "mistral": [*COMMON, "sliding_window"],
    "qwen2": [*COMMON, "use_sliding_window", "sliding_window", "layer_types"],
    "qwen3": [*COMMON, "use_sliding_window", "sliding_window", "layer_types"],
    "qwen3_moe": [*COMMON, "norm_topk_prob", "use_sliding_window"],
    "gemma2": [
        *COMMON,
        "sliding_window",
        "layer_types",
        "query_pre_attn_scalar",
        "attn_logit_softcapping",
        "final_logit_softcapping",
    ],
    "gemma3_text": [*COMMON, "sliding_window", "layer_types", "query_pre_attn_scalar", "max_position_embeddings"],
    "gemma3": ["tie_word_embeddings"],
    "phi3": [*COMMON, "sliding_window", "original_max_position_embeddings"],
}
OLD_ROPE = [
    {"rope_parameters": None, "rope_theta": 500000.0},
    {"rope_parameters": None, "rope_theta": 20000.0, "rope_scaling": {"type": "linear", "factor": 2.0}},
]
LLAMA3 = {"factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8}
LISTS = {"short_factor": [1.0] * 8, "long_factor": [2.0] * 8}
# What is inferred, what is taken by default, which of two keys goes first.
SCALINGS = [
    YARN,
    YARN | {"mscale": 0.707, "mscale_all_dim": 1.0},
    YARN | {"mscale": 0.707},
    YARN | {"attention_factor": 1.5, "mscale": 2.0, "mscale_all_dim": 1.0},
    YARN | {"factor": None},
    {"rope_type": "longrope", "original_max_position_embeddings": 8, **LISTS},
    {"rope_type": "longrope", "original_max_position_embeddings": 8, "factor": 16.0, **LISTS},
    {"rope_type": "longrope", "original_max_position_embeddings": 8, "attention_factor": 1.25, **LISTS},
    {"rope_type": "dynamic", "factor": 2.0},
]
BY_SCALING = [{"rope_parameters": None, "rope_theta": 20000.0, "rope_scaling": scaling} for scaling in SCALINGS]
OUTER = {"original_max_position_embeddings": 16, **BY_SCALING[5]}
SET = {
    "llama": [*OLD_ROPE, {"rope_parameters": None, "rope_scaling": {"rope_type": "llama3", **LLAMA3}}],
    "mistral": [*OLD_ROPE, {"sliding_window": None}, {"sliding_window": 7}],
    "qwen2": [*OLD_ROPE, {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1, "layer_types": None}],
    "qwen3": [*OLD_ROPE, {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 0, "layer_types": None}],
    "qwen3_moe": [{"norm_topk_prob": False}, {"num_experts_per_tok": 3}],
    "gemma2": [
        {"attn_logit_softcapping": None},
        {"final_logit_softcapping": None},
        {"query_pre_attn_scalar": 144},
        {"layer_types": ["full_attention", "sliding_attention", "sliding_attention"]},
    ],
    "gemma3_text": [
        {"rope_parameters": None, "rope_theta": 500000.0},
        {"rope_parameters": None, "rope_local_base_freq": 20000.0},
        {"rope_parameters": None, "rope_theta": 2e6, "rope_scaling": {"rope_type": "linear", "factor": 2.0}},
        {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 5e5}}},
        {"rope_parameters": {"sliding_attention": {"rope_theta": 5e3}}},
        {"rope_parameters": {"full_attention": YARN, "sliding_attention": {"rope_type": "default"}}},
        {"layer_types": None, "sliding_window_pattern": 2},
        {"layer_types": ["full_attention"] * 2 + ["sliding_attention"] * 4},
        {"sliding_window": 7},
        {"query_pre_attn_scalar": 144},
        {"final_logit_softcapping": 30.0},
    ],
    "gemma3": [],
    "phi3": [
        {"rope_parameters": None, "rope_theta": 500000.0},
        {"rope_parameters": None, "partial_rotary_factor": 0.5},
        {"sliding_window": None},
        {"sliding_window": 7},
    ],
}
# Of the tiny phi3, whose heads have six pairs.
SIX = {"short_factor": [1.0] * 6, "long_factor": [2.0] * 6}
PHI3_SCALINGS = [
    {"original_max_position_embeddings": 8, "rope_scaling": {"type": "su", "original_max_position_embeddings": 8, **SIX}},
    {"original_max_position_embeddings": 8, "rope_scaling": {"type": "yarn", **SIX}},
    {"original_max_position_embeddings": 8, "rope_scaling": {"type": "longrope", "attention_factor": 1.25, **SIX}},
    {"original_max_position_embeddings": 8, "rope_scaling": {"type": "longrope", "original_max_position_embeddings": 16, **SIX}},
    {"partial_rotary_factor": 0.5, "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 3, "long_factor": [2.0] * 3}},
]

# What config.json of checkpoints says, for what a reader wants. Lists of factors have their length here, not their values.
GEMMA3_1B = {
    "model_type": "gemma3_text",
    "architectures": ["Gemma3ForCausalLM"],
    "attention_bias": False,
    "attn_logit_softcapping": None,
    "final_logit_softcapping": None,
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "hidden_size": 1152,
    "intermediate_size": 6912,
    "max_position_embeddings": 32768,
    "num_attention_heads": 4,
    "num_hidden_layers": 26,
    "num_key_value_heads": 1,
    "query_pre_attn_scalar": 256,
    "rms_norm_eps": 1e-06,
    "rope_local_base_freq": 10000,
    "rope_scaling": None,
    "rope_theta": 1000000,
    "sliding_window": 512,
    "sliding_window_pattern": 6,
    "vocab_size": 262144,
}


def gemma3_with_images(**text) -> dict:
    common = {"model_type": "gemma3_text", "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024}
    return {
        "model_type": "gemma3",
        "architectures": ["Gemma3ForConditionalGeneration"],
        "mm_tokens_per_image": 256,
        "text_config": common | text,
        "vision_config": {"model_type": "siglip_vision_model", "hidden_size": 1152, "num_hidden_layers": 27},
    }


PHI3_MINI = {
    "model_type": "phi3",
    "architectures": ["Phi3ForCausalLM"],
    "embd_pdrop": 0.0,
    "resid_pdrop": 0.0,
    "hidden_act": "silu",
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "max_position_embeddings": 4096,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 32,
    "original_max_position_embeddings": 4096,
    "rms_norm_eps": 1e-05,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "sliding_window": 2047,
    "tie_word_embeddings": False,
    "vocab_size": 32064,
}
PUBLISHED = {
    "gemma-3-270m": GEMMA3_1B
    | {
        "hidden_size": 640,
        "intermediate_size": 2048,
        "num_hidden_layers": 18,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 3,
        "use_bidirectional_attention": False,
    },
    "gemma-3-1b": GEMMA3_1B,
    "gemma-3-4b": gemma3_with_images(hidden_size=2560, intermediate_size=10240, num_hidden_layers=34),
    "gemma-3-12b": gemma3_with_images(
        hidden_size=3840, intermediate_size=15360, num_hidden_layers=48, num_attention_heads=16, num_key_value_heads=8
    ),
    "gemma-3-27b": gemma3_with_images(
        hidden_size=5376,
        intermediate_size=21504,
        num_hidden_layers=62,
        num_attention_heads=32,
        num_key_value_heads=16,
        head_dim=128,
        query_pre_attn_scalar=168,
    ),
    "phi-3-mini-4k": PHI3_MINI,
    "phi-3-mini-128k": PHI3_MINI
    | {
        "max_position_embeddings": 131072,
        "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 48, "long_factor": [2.0] * 48},
        "sliding_window": 262144,
    },
    "phi-4-mini": PHI3_MINI
    | {
        "attention_bias": False,
        "lm_head_bias": False,
        "mlp_bias": False,
        "max_position_embeddings": 131072,
        "num_attention_heads": 24,
        "num_key_value_heads": 8,
        "partial_rotary_factor": 0.75,
        "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 48, "long_factor": [2.0] * 48},
        "sliding_window": 262144,
        "tie_word_embeddings": True,
        "vocab_size": 200064,
    },
}


def windows(config) -> list[int | None]:
    """Per layer, as each modeling file picks its mask."""
    count, window = config.num_hidden_layers, getattr(config, "sliding_window", None)
    if config.model_type == "llama":
        return [None] * count
    if config.model_type in ("mistral", "qwen3_moe", "phi3"):
        return [window] * count
    return [window if kind == "sliding_attention" else None for kind in config.layer_types]


def scaling(config) -> dict:
    """What Transformers computes with, from its own rules; numbers that are inferred are rounded."""
    nested = {"layer_type": "full_attention"} if "full_attention" in config.rope_parameters else {}
    kind = rope_of(config)["rope_type"]
    # First: Transformers settles which original context goes before the other only when it computes.
    attention_factor = 1.0 if kind == "default" else ROPE_INIT_FUNCTIONS[kind](config, **nested)[1]
    rope = rope_of(config)
    factor, original = rope.get("factor"), rope.get("original_max_position_embeddings")
    if kind == "yarn" and factor is None:
        factor = config.max_position_embeddings / original
    return {
        "ropeFactor": None if kind == "longrope" else factor,
        "ropeOriginal": config.max_position_embeddings if kind == "dynamic" else original,
        "attentionFactor": round(attention_factor, 12),
    }


def rope_of(config) -> dict:
    """Of layers that see all positions, where layers differ."""
    return config.rope_parameters.get("full_attention", config.rope_parameters)


def resolved(whole) -> dict:
    config = whole.get_text_config()
    rope = rope_of(config)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return {
        "rmsNormEps": config.rms_norm_eps,
        "ropeTheta": rope["rope_theta"],
        "ropeType": rope["rope_type"],
        **scaling(config),
        "rotaryDim": int(head_dim * rope.get("partial_rotary_factor", 1.0)),
        "localTheta": config.rope_parameters.get("sliding_attention", {}).get("rope_theta"),
        "isTied": whole.tie_word_embeddings,
        "windows": windows(config),
        "queryScalar": getattr(config, "query_pre_attn_scalar", head_dim),
        "attentionSoftcap": getattr(config, "attn_logit_softcapping", None),
        "logitSoftcap": getattr(config, "final_logit_softcapping", None),
        "usedExperts": getattr(config, "num_experts_per_tok", None),
        "isRenormalised": getattr(config, "norm_topk_prob", None),
    }


def dimensions(whole) -> dict:
    config = whole.get_text_config()
    return {
        "layerCount": config.num_hidden_layers,
        "modelDim": config.hidden_size,
        "headCount": config.num_attention_heads,
        "kvHeadCount": config.num_key_value_heads,
        "headDim": getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        "vocabSize": config.vocab_size,
        "contextLength": config.max_position_embeddings,
    }


def main() -> None:
    cases = []
    for folder in sorted((ROOT / "models/tiny").iterdir()):
        if not (folder / "hf/config.json").exists():
            continue
        stated = json.loads((folder / "hf/config.json").read_text())
        kind = stated["model_type"]
        # Without a head of its own, a tied model cannot lose the key that says so.
        dropped = [key for key in DROPPED[kind] if key in stated and (key != "tie_word_embeddings" or not stated[key] or "gemma" in kind)]
        # Without the switch there is no window, and layers that are said to have one are not taken.
        unswitched = {"layer_types": None} if "sliding_attention" in stated.get("layer_types", []) and "qwen" in kind else {}
        more = {"use_sliding_window": unswitched}
        changes = [{}, *({"-": key, **more.get(key, {})} for key in dropped), *SET[kind]]
        if folder.name == "llama":
            changes += [*BY_SCALING, OUTER]
        if folder.name == "phi3":
            changes += [{"rope_parameters": None, **scaling} for scaling in PHI3_SCALINGS]
        for change in changes:
            settings = {key: value for key, value in stated.items() if key != change.get("-")}
            for key, value in change.items():
                # None of rope_parameters and layer_types means that the file does not have them.
                if key in ("rope_parameters", "layer_types") and value is None:
                    settings.pop(key, None)
                elif key != "-":
                    settings[key] = value
            # Transformers writes into nested dicts.
            config = transformers.AutoConfig.for_model(**copy.deepcopy(settings))
            cases.append({"model": folder.name, "change": change, "expected": resolved(config)})
    published = []
    for name, stated in PUBLISHED.items():
        config = transformers.AutoConfig.for_model(**copy.deepcopy(stated))
        published.append({"name": name, "config": stated, "expected": resolved(config) | dimensions(config)})
    producer = json.dumps({"name": "transformers", "version": transformers.__version__})
    lines, more = (",\n".join(json.dumps(case) for case in part) for part in (cases, published))
    path = ROOT / "falsifiers/vectors/architecture-config.json"
    path.write_text(f'{{"producer": {producer}, "cases": [\n{lines}\n], "published": [\n{more}\n]}}\n')
    dropped = sum("-" in case["change"] for case in cases)
    print(f"{path.name}: {dropped} with a key left out, {len(cases) - dropped} others, {len(published)} published")


if __name__ == "__main__":
    main()
