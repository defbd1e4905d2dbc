"""What Transformers makes of config.json files in which keys are set or left out: the oracle of architecture-config.

    python scripts/config_vectors.py

Reads the configs of models/tiny, changes one thing at a time ("-" leaves a key out, as does null for rope_parameters
and layer_types), lets Transformers' own config classes fill in the rest, and writes
falsifiers/vectors/architecture-config.json.
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
}


def windows(config) -> list[int | None]:
    """Per layer, as each modeling file picks its mask."""
    count, window = config.num_hidden_layers, getattr(config, "sliding_window", None)
    if config.model_type == "llama":
        return [None] * count
    if config.model_type in ("mistral", "qwen3_moe"):
        return [window] * count
    return [window if kind == "sliding_attention" else None for kind in config.layer_types]


def scaling(config) -> dict:
    """What Transformers computes with, from its own rules; numbers that are inferred are rounded."""
    kind = config.rope_parameters["rope_type"]
    # First: Transformers settles which original context goes before the other only when it computes.
    attention_factor = 1.0 if kind == "default" else ROPE_INIT_FUNCTIONS[kind](config)[1]
    rope = config.rope_parameters
    factor, original = rope.get("factor"), rope.get("original_max_position_embeddings")
    if kind == "yarn" and factor is None:
        factor = config.max_position_embeddings / original
    return {
        "ropeFactor": None if kind == "longrope" else factor,
        "ropeOriginal": config.max_position_embeddings if kind == "dynamic" else original,
        "attentionFactor": round(attention_factor, 12),
    }


def resolved(config) -> dict:
    rope = config.rope_parameters
    return {
        "rmsNormEps": config.rms_norm_eps,
        "ropeTheta": rope["rope_theta"],
        "ropeType": rope["rope_type"],
        **scaling(config),
        "isTied": config.tie_word_embeddings,
        "windows": windows(config),
        "queryScalar": getattr(config, "query_pre_attn_scalar", config.head_dim if hasattr(config, "head_dim") else None)
        or config.hidden_size // config.num_attention_heads,
        "attentionSoftcap": getattr(config, "attn_logit_softcapping", None),
        "logitSoftcap": getattr(config, "final_logit_softcapping", None),
        "usedExperts": getattr(config, "num_experts_per_tok", None),
        "isRenormalised": getattr(config, "norm_topk_prob", None),
    }


def main() -> None:
    cases = []
    for folder in sorted((ROOT / "models/tiny").iterdir()):
        if not (folder / "hf/config.json").exists():
            continue
        stated = json.loads((folder / "hf/config.json").read_text())
        kind = stated["model_type"]
        # Without a head of its own, a tied model cannot lose the key that says so.
        dropped = [key for key in DROPPED[kind] if key in stated and (key != "tie_word_embeddings" or not stated[key] or kind == "gemma2")]
        changes = [{}, *({"-": key} for key in dropped), *SET[kind]]
        if folder.name == "llama":
            changes += [*BY_SCALING, OUTER]
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
    producer = json.dumps({"name": "transformers", "version": transformers.__version__})
    lines = ",\n".join(json.dumps(case) for case in cases)
    path = ROOT / "falsifiers/vectors/architecture-config.json"
    path.write_text(f'{{"producer": {producer}, "cases": [\n{lines}\n]}}\n')
    print(f"{path.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
