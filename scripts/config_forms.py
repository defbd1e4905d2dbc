"""What Transformers computes from config.json files that state one thing in several places: the oracle of
architecture-config for rotations and windows.

    python scripts/config_forms.py [CASES [SEED]] > falsifiers/vectors/config-forms.json

Draws configs at random: rope_parameters beside rope_scaling beside keys at the top, older words, nested groups, null and
empty groups, windows by every key there is. Each becomes a model of its own class with a few channels; recorded are the
frequencies of its rotary module, within the original context and beyond, and how many positions each layer's mask lets
the last one see. A config that Transformers does not take is drawn again.
"""

import copy
import json
import random
import sys

import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

transformers.logging.set_verbosity(transformers.logging.CRITICAL)
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 32,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
PAIRS = 8
TOKENS = 24
EXPERTS = {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 8}
TYPES = ["llama", "mistral", "qwen2", "qwen3", "qwen3_moe", "gemma2", "gemma3_text", "phi3"]
WIDTHS = {kind: {"head_dim": 16} for kind in TYPES if kind not in ("qwen2", "phi3")}
LENGTHS = [24, 48, 100]


def group(rng: random.Random, kind: str) -> dict:
    """One statement of a rotation: mostly whole, sometimes with a number of another kind or one too few."""
    pairs = PAIRS if rng.random() < 0.9 else PAIRS // 2
    lists = {"short_factor": [1 + i / 8 for i in range(pairs)], "long_factor": [2 + i for i in range(pairs)]}
    numbers = {
        "default": {},
        "linear": {"factor": rng.choice([2.0, 8.0])},
        "dynamic": {"factor": rng.choice([2.0, 4.0])},
        "llama3": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0},
        "yarn": {"factor": rng.choice([2.0, 4.0])},
        "longrope": dict(lists),
        "su": dict(lists),
    }
    scaling = rng.choice(list(numbers) if kind == "phi3" else list(numbers)[:-1])
    if kind == "phi3" and rng.random() < 0.7:
        scaling = rng.choice(["longrope", "su", "default"])
    out = dict(numbers[scaling])
    if rng.random() < 0.9:
        out[rng.choice(["rope_type", "rope_type", "type"])] = scaling
    if rng.random() < 0.1:
        out["type"] = rng.choice(["linear", "default", "yarn"])
    if rng.random() < 0.5:
        out["rope_theta"] = rng.choice([10000.0, 500.0, 1e6])
    if scaling in ("llama3", "yarn", "longrope", "su") and rng.random() < 0.8 or rng.random() < 0.1:
        out["original_max_position_embeddings"] = rng.choice([16, 32])
    extras = {
        "yarn": {"attention_factor": 1.5, "beta_fast": 16, "beta_slow": 2, "mscale": 0.7, "mscale_all_dim": 1.2, "truncate": False},
        "longrope": {"attention_factor": 1.25, "factor": 4.0},
    }.get(scaling, {})
    for name, value in extras.items():
        if rng.random() < 0.15:
            out[name] = value
    if rng.random() < 0.1:
        out["partial_rotary_factor"] = rng.choice([1.0, 0.5]) if kind == "phi3" else 1.0
    if out and rng.random() < 0.05:
        out[rng.choice(list(out))] = None
    return out


def rope(rng: random.Random, kind: str) -> dict:
    out = {}
    form = rng.random()
    if form < 0.6:
        new = group(rng, kind)
        if kind == "gemma3_text" and rng.random() < 0.85:
            new = {"full_attention": new}
            if rng.random() < 0.7:
                new["sliding_attention"] = rng.choice([{"rope_type": "default"}, {"rope_type": "default", "rope_theta": 300.0}])
        out["rope_parameters"] = new
    elif form < 0.7:
        out["rope_parameters"] = rng.choice([None, {}])
    form = rng.random()
    if form < 0.5:
        out["rope_scaling"] = group(rng, kind)
    elif form < 0.6:
        out["rope_scaling"] = rng.choice([None, {}])
    for name, values in {
        "rope_theta": [10000.0, 500.0, 7000.0],
        "original_max_position_embeddings": [16, 32],
        "partial_rotary_factor": [1.0, 0.5],
        "rope_local_base_freq": [300.0, 10000.0],
    }.items():
        if (name, kind == "gemma3_text") == ("rope_local_base_freq", False) or (name == "partial_rotary_factor" and kind != "phi3"):
            continue
        if rng.random() < {"rope_theta": 0.5, "original_max_position_embeddings": 0.2}.get(name, 0.1):
            out[name] = rng.choice(values)
    return out


def windows(rng: random.Random, kind: str, layers: int) -> dict:
    kinds = ["full_attention", "sliding_attention"]
    if rng.random() < 0.4:
        return {"sliding_window": rng.choice([5, 9])} | ({"use_sliding_window": True} if kind.startswith("qwen") else {})
    out = {}
    for name, chance, value in (
        ("sliding_window", 0.7, lambda: rng.choice([5, 9, 64, 4096, None])),
        ("use_sliding_window", 0.5, lambda: rng.random() < 0.6),
        ("max_window_layers", 0.6, lambda: rng.randrange(layers + 2)),
        ("layer_types", 0.4, lambda: rng.choice([[rng.choice(kinds) for _ in range(layers)], [kinds[0]] * layers, [kinds[1]] * layers])),
        ("sliding_window_pattern", 0.2, lambda: rng.randrange(1, 4)),
    ):
        if rng.random() < chance:
            out[name] = value()
    return out


def draw(rng: random.Random) -> dict:
    kind = rng.choice([*TYPES, "gemma3_text", "gemma3_text"])
    layers = rng.randrange(2, 5)
    out = {"model_type": kind, "num_hidden_layers": layers, **SIZES, **WIDTHS.get(kind, {})}
    if kind == "qwen3_moe":
        out |= EXPERTS
    if kind.startswith("gemma"):
        out["query_pre_attn_scalar"] = 16
    if kind == "gemma3_text":
        # Layers of both kinds, few as they are.
        out["sliding_window_pattern"] = 2
    return out | (rope(rng, kind) if rng.random() < 0.75 else {}) | (windows(rng, kind, layers) if rng.random() < 0.5 else {})


def frequencies(module, length: int, layer_type: str | None):
    config = module.config
    of = config.rope_parameters if layer_type is None else config.rope_parameters[layer_type]
    kind = of["rope_type"]
    more = {} if layer_type is None else {"layer_type": layer_type}
    if kind == "default":
        inverse, amplitude = module.compute_default_rope_parameters(config, **more)
    else:
        inverse, amplitude = ROPE_INIT_FUNCTIONS[kind](config, None, seq_len=length, **more)
    return {"pairs": [float(f"{x:.6g}") for x in inverse.tolist()], "amplitude": float(f"{amplitude:.9g}")}


def answer(stated: dict) -> dict:
    config = transformers.AutoConfig.for_model(**copy.deepcopy(stated))
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    seen: list[int] = []
    for layer in model.model.layers:
        layer.register_forward_pre_hook(
            lambda _, __, kwargs: seen.append(int((kwargs["attention_mask"][0, 0, -1] > -1).sum())), with_kwargs=True
        )
    with torch.no_grad():
        model(torch.arange(TOKENS)[None] % 32, use_cache=False)
    module = model.model.rotary_emb
    layer_type = "full_attention" if stated["model_type"] == "gemma3_text" else None
    out = {"seen": seen}
    if layer_type is None or layer_type in config.layer_types:
        out["rope"] = [frequencies(module, length, layer_type) for length in LENGTHS]
    if layer_type is not None and "sliding_attention" in config.layer_types:
        out["localTheta"] = config.rope_parameters["sliding_attention"]["rope_theta"]
    return out


def main() -> None:
    torch.set_num_threads(1)
    count, seed = (int(word) for word in (sys.argv[1:] + ["240", "10"][len(sys.argv) - 1 :]))
    rng = random.Random(seed)
    cases = []
    while len(cases) < count:
        stated = draw(rng)
        try:
            expected = answer(stated)
        except Exception:  # noqa: BLE001: whatever Transformers has against it
            continue
        cases.append(json.dumps({"config": stated, "expected": expected}))
    head = {"name": "transformers", "version": transformers.__version__}
    print(f'{{"producer": {json.dumps(head)}, "lengths": {LENGTHS}, "tokens": {TOKENS}, "cases": [')
    print(",\n".join(cases))
    print("]}")


if __name__ == "__main__":
    main()
