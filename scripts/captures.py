"""What hf_reference.py writes: names of the stages, the ids of a prompt, stage files and manifests. Runs no model."""

import hashlib
import platform
import struct
from pathlib import Path

import numpy as np
import torch
import transformers

WHOLE_MODEL = 0xFFFFFFFF
LAYER_STAGES = (
    "attn_norm qkv_matmul qkv_bias q_norm k_norm q_post_rope k_post_rope v attn_scores attn_softmax attention "
    "attn_out attn_post_norm post_attn_residual ffn_norm ffn_gate ffn_up ffn_silu ffn_gelu ffn_swigl ffn_out "
    "ffn_post_norm moe_logits moe_router moe_ffn_out moe_router_indices post_ffn_residual"
).split()
STAGES = ["embedding", *LAYER_STAGES, "final_norm", "lm_head_uncapped", "lm_head"]
PATCHES = {
    "float16": [],
    "float32": [],
    "float64": [
        "RMSNorm computed in float64 (Transformers: float32)",
        "RoPE inverse frequencies, angles, cos and sin computed in float64 (Transformers: float32)",
        "attention softmax computed in float64 (Transformers: float32)",
    ],
}
# Beside those, in model types that have such a place.
TYPE_PATCHES = {
    "qwen3_moe": "router softmax computed in float64 (Transformers: float32)",
    "gemma2": "embedding scale computed in float64 (Transformers: float32)",
    "gemma3": "embedding scale computed in float64 (Transformers: rounded to the weights' dtype)",
    "gemma3_text": "embedding scale computed in float64 (Transformers: rounded to the weights' dtype)",
}

# (stage, layer or None) -> value in the dtype it was computed in
Capture = dict[tuple[str, int | None], np.ndarray]


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
        given = {"stages": entry["stages"]} if "stages" in entry else {}
        prompts.append(
            {"name": entry["name"], "prompt": text, "chatTemplateApplied": template, "tokens": tokens} | given
        )
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


def patches_of(kind: str, dtype: str) -> list[str]:
    return PATCHES[dtype] + [patch for patched, patch in TYPE_PATCHES.items() if (patched, "float64") == (kind, dtype)]


def manifest_of(model, path: Path, dtype: str, prompt: dict) -> dict:
    weights = path / "model.safetensors" if path.is_dir() else path
    return {
        "schemaVersion": 1,
        "producer": {
            "name": "transformers",
            "version": transformers.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "dtype": dtype,
            "patches": patches_of(model.config.model_type, dtype),
        },
        "model": {
            "name": path.name if path.name != "hf" else path.parent.name,
            "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
            "architecture": model.config.model_type,
        },
        "tokens": prompt["tokens"],
        "positions": "all",
        "prompt": prompt["prompt"],
        "chatTemplateApplied": prompt["chatTemplateApplied"],
        "rotary": rotary_of(model.config),
    }


def rotary_of(config) -> dict:
    """In which order Transformers has q and k, whatever file they came from."""
    config = config.get_text_config()
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return {"rows": "halves", "headDim": width, "rotaryDim": width, "kvHeadCount": config.num_key_value_heads}


def kept_of(values: Capture, prompt: dict) -> Capture:
    """`stages` of a prompt limits what is kept."""
    return {key: value for key, value in values.items() if "stages" not in prompt or key[0] in prompt["stages"]}
