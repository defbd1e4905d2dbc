"""Runs a model in Hugging Face Transformers and keeps the value of every stage, for every position.

    python scripts/hf_reference.py --model models/sums-2m/hf --dtype float64 \
        --prompts models/sums-2m/packs/prompts.json --out models/sums-2m/packs/float64
    python scripts/hf_reference.py --model models/sums-2m/hf --prompts ... --self-check
    python scripts/hf_reference.py --model some/model.gguf --dtype float16 --prompt "7+8=" --out captures

llama, mistral, qwen2, qwen3, qwen3_moe, gemma2, gemma3 (its text part) and phi3; a folder, or a GGUF file, which Transformers decodes.
A prompts file is a JSON array; each entry has a `name` and one of
    "prompt": text, tokenised as it stands, special tokens parsed;
    "prompt": text with "chatTemplate": true, one user message through the model's chat template;
    "tokens": ids, used exactly as they stand.
An entry may also have "stages": the only ones that are kept of it.

float16 and float32 are Transformers untouched. float64 replaces the places where Transformers rounds to
float32 whatever the model's dtype (RMSNorm, the RoPE tables, the softmax of attention and router, Gemma's
embedding scale); captures.PATCHES names them and every manifest lists them. --self-check compares the float64 run with
plain_forward.py, written in numpy from the formulas.

One capture per prompt, in the layout of a trace:
    <out>/<name>/layer-<N>/<stage>.bin, <out>/<name>/<stage>.bin, <out>/<name>/manifest.json
    "APRT" | u32 layer, 0xFFFFFFFF = whole model | u32 element count | f32 ...   (little-endian)
Values are [position, channel], row-major; attn_scores and attn_softmax are [head, query, key].
With --pack, one safetensors file per prompt instead, <out>/<name>.safetensors: the values as they were
computed, in float64, named "layer-<N>/<stage>" or "<stage>", and the manifest as its metadata.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

from captures import PATCHES, STAGES, Capture, kept_of, manifest_of, prepare, write_capture
from plain_forward import plain_forward


def scores_of(module, query, key, scaling, softcap):
    """q k^T * scaling, or c * tanh of it / c."""
    keys = key.repeat_interleave(module.num_key_value_groups, 1)
    scores = query @ keys.transpose(2, 3) * scaling
    return scores if softcap is None else softcap * torch.tanh(scores / softcap)


def eager_float64(module, query, key, value, attention_mask, scaling, softcap=None, **_):
    """softmax(scores + mask) v, with no rounding to float32."""
    values = value.repeat_interleave(module.num_key_value_groups, 1)
    weights = torch.softmax(scores_of(module, query, key, scaling, softcap) + attention_mask, -1)
    return (weights @ values).transpose(1, 2).contiguous(), weights


def rmsnorm_float64(module, x: torch.Tensor) -> torch.Tensor:
    """w * x / sqrt(mean(x^2) + eps), with 1 + w for w in Gemma."""
    is_gemma = type(module).__name__.startswith("Gemma")
    eps = module.eps if is_gemma else module.variance_epsilon
    gain = 1 + module.weight if is_gemma else module.weight
    return gain * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def router_float64(module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """softmax over all experts, the top_k largest, and those divided by their sum where the config says so."""
    logits = torch.nn.functional.linear(x.reshape(-1, module.hidden_dim), module.weight)
    shares, indices = torch.topk(torch.softmax(logits, -1), module.top_k, dim=-1)
    if module.norm_topk_prob:
        shares = shares / shares.sum(-1, keepdim=True)
    return logits, shares, indices


def rope_of(config, layer_type: str | None) -> dict:
    """The parameters of a type of layer; most models have one for all."""
    return config.rope_parameters.get(layer_type, config.rope_parameters)


def rope_tables_float64(module, x: torch.Tensor, position_ids: torch.Tensor, *layer_type: str) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin of position * theta^(-2i/d), scaled, each half repeated, times Transformers' own attention factor."""
    config = module.config
    rope = rope_of(config, *(layer_type or [None]))
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    width = int(width * rope.get("partial_rotary_factor", 1.0))
    frequencies = rope["rope_theta"] ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    length = int(position_ids.max()) + 1
    frequencies = scaled_frequencies(frequencies, rope, length, config.max_position_embeddings)
    angles = position_ids[..., None].double() * frequencies
    angles = torch.cat((angles, angles), -1)
    scale = getattr(module, "_".join((*layer_type, "attention_scaling")))
    tables = (angles.cos() * scale, angles.sin() * scale)
    check_tables(module, x, position_ids, layer_type, tables)
    return tables


def check_tables(module, x: torch.Tensor, position_ids: torch.Tensor, layer_type: tuple, tables: tuple) -> None:
    """The rules below are written out again, so each use of them is held against Transformers' own float32 tables."""
    # A module that has seen a longer text keeps its frequencies; the reference is that of a fresh one.
    module.max_seq_len_cached = module.original_max_seq_len
    name = "_".join((*layer_type, "inv_freq"))
    setattr(module, name, getattr(module, name.replace("inv_freq", "original_inv_freq")).clone())
    limit = 1e-6 * (1 + int(position_ids.max()))
    for own, theirs in zip(tables, type(module).forward(module, x, position_ids, *layer_type)):
        if not (own - theirs).abs().max() <= limit:
            raise SystemExit(f"float64 RoPE tables are {(own - theirs).abs().max():.1e} from Transformers' float32 ones")


def scaled_frequencies(frequencies: torch.Tensor, rope: dict, length: int, max_positions: int) -> torch.Tensor:
    """The rules of modeling_rope_utils.py, in float64, for a text of `length` positions."""
    kind = rope["rope_type"]
    if kind == "default":
        return frequencies
    if kind == "linear":
        return frequencies / rope["factor"]
    if kind == "longrope":
        is_long = length > rope["original_max_position_embeddings"]
        return frequencies / torch.tensor(rope["long_factor" if is_long else "short_factor"], dtype=torch.float64)
    if kind == "dynamic":
        pairs, factor = len(frequencies), rope["factor"]
        growth = factor * max(length, max_positions) / max_positions - (factor - 1)
        theta = rope["rope_theta"] * growth ** (pairs / (pairs - 1))
        return theta ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    if kind == "yarn":
        return yarn_frequencies(frequencies, rope)
    if kind != "llama3":
        raise SystemExit(f"float64 RoPE tables: rope_type is {kind}, which is not written out here")
    factor, low, high = rope["factor"], rope["low_freq_factor"], rope["high_freq_factor"]
    length = rope["original_max_position_embeddings"]
    wavelengths = 2 * np.pi / frequencies
    smooth = (length / wavelengths - low) / (high - low)
    blended = (1 - smooth) * frequencies / factor + smooth * frequencies
    scaled = torch.where(wavelengths > length / low, frequencies / factor, frequencies)
    return torch.where((wavelengths <= length / low) & (wavelengths >= length / high), blended, scaled)


def yarn_frequencies(frequencies: torch.Tensor, rope: dict) -> torch.Tensor:
    """Fast pairs as they are, slow ones divided by the factor, a ramp between."""
    pairs = len(frequencies)

    def pair_of(turns: float) -> float:
        return pairs * np.log(rope["original_max_position_embeddings"] / (turns * 2 * np.pi)) / np.log(rope["rope_theta"])

    low, high = pair_of(rope.get("beta_fast") or 32), pair_of(rope.get("beta_slow") or 1)
    if rope.get("truncate", True):
        low, high = np.floor(low), np.ceil(high)
    low, high = max(low, 0), min(high, 2 * pairs - 1)
    ramp = (torch.arange(pairs, dtype=torch.float64) - low) / ((high - low) or 0.001)
    ramp = ramp.clamp(0, 1)
    return ramp * frequencies / rope["factor"] + (1 - ramp) * frequencies


def load(path: Path, dtype: str):
    folder, source = (path, {}) if path.is_dir() else (path.parent, {"gguf_file": path.name})
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=getattr(torch, dtype), attn_implementation="eager", experts_implementation="eager", **source
    ).eval()
    if dtype == "float64":
        for module in model.modules():
            name = type(module).__name__
            if name.endswith("RMSNorm"):
                module.forward = rmsnorm_float64.__get__(module)
            elif name.endswith("RotaryEmbedding"):
                module.forward = rope_tables_float64.__get__(module)
            elif name.endswith("TopKRouter"):
                module.forward = router_float64.__get__(module)
            elif name.endswith("ScaledWordEmbedding"):
                module.embed_scale = torch.tensor(module.scalar_embed_scale, dtype=torch.float64)
    return model


@contextmanager
def tapped_attention(model, keep) -> Iterator[None]:
    """Wraps the model's eager attention: the only place that sees q and k after RoPE and the weights."""
    source = sys.modules[type(model).__module__]
    original = source.eager_attention_forward
    compute = eager_float64 if model.dtype == torch.float64 else original

    def attention(module, query, key, value, attention_mask, scaling, softcap=None, **options):
        capped = {} if softcap is None else {"softcap": softcap}
        output, weights = compute(module, query, key, value, attention_mask, scaling=scaling, **capped, **options)
        layer = module.layer_idx
        for stage, heads in (("q_post_rope", query), ("k_post_rope", key), ("v", value)):
            keep(stage, layer, heads[0].transpose(0, 1).flatten(1))  # [head, position, d] -> [position, head*d]
        scores = scores_of(module, query, key, scaling, softcap)
        keep("attn_scores", layer, torch.where(attention_mask == 0, scores, 0)[0])
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
        if hasattr(attention, "qkv_proj"):
            return [output(attention.qkv_proj, "qkv_matmul", layer)]
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

    def gate_and_up(module, layer: int):
        """One matrix for both, rows of the gate first."""

        def halved(_, __, out):
            for stage, half in zip(("ffn_gate", "ffn_up"), out[0].chunk(2, -1)):
                keep(stage, layer, half)

        return module.register_forward_hook(halved)

    def head_norm(module, stage: str, layer: int):
        """[position, head, d], in Gemma [head, position, d] -> [position, head*d]"""

        def flat(_, __, out):
            keep(stage, layer, (out[0].transpose(0, 1) if is_gemma else out[0]).flatten(1))

        return module.register_forward_hook(flat)

    def router(module, layer: int):
        def routed(_, __, out):
            for stage, value in zip(("moe_logits", "moe_router", "moe_router_indices"), out):
                keep(stage, layer, value)

        return module.register_forward_hook(routed)

    def feed_forward(mlp, layer: int):
        if hasattr(mlp, "experts"):
            return [router(mlp.gate, layer), output(mlp, "moe_ffn_out", layer)]
        if hasattr(mlp, "gate_up_proj"):
            inputs, activation = [gate_and_up(mlp.gate_up_proj, layer)], mlp.activation_fn
        else:
            inputs = [output(mlp.gate_proj, "ffn_gate", layer), output(mlp.up_proj, "ffn_up", layer)]
            activation = mlp.act_fn
        return inputs + [
            output(activation, "ffn_gelu" if is_gemma else "ffn_silu", layer),
            given(mlp.down_proj, "ffn_swigl", layer),
            output(mlp.down_proj, "ffn_out", layer),
        ]

    # Of a model that sees images too, the part for text.
    body = getattr(model.model, "language_model", model.model)
    is_gemma = body.config.model_type.startswith("gemma")
    is_capped = getattr(body.config, "final_logit_softcapping", None) is not None
    hooks = [output(body.embed_tokens, "embedding", 0)]
    for n, layer in enumerate(body.layers):
        attention = layer.self_attn
        second_norm = layer.pre_feedforward_layernorm if is_gemma else layer.post_attention_layernorm
        hooks += projections(attention, n) + feed_forward(layer.mlp, n)
        hooks += [
            output(layer.input_layernorm, "attn_norm", n),
            given(attention.o_proj, "attention", n),
            output(attention.o_proj, "attn_out", n),
            given(second_norm, "post_attn_residual", n),
            output(second_norm, "ffn_norm", n),
            output(layer, "post_ffn_residual", n),
        ]
        if hasattr(attention, "q_norm"):
            hooks += [head_norm(attention.q_norm, "q_norm", n), head_norm(attention.k_norm, "k_norm", n)]
        if is_gemma:
            hooks += [
                output(layer.post_attention_layernorm, "attn_post_norm", n),
                output(layer.post_feedforward_layernorm, "ffn_post_norm", n),
            ]
    hooks += [output(body.norm, "final_norm", None)]
    hooks += [output(model.lm_head, "lm_head_uncapped" if is_capped else "lm_head", None)]
    try:
        with tapped_attention(model, keep):
            logits = model(torch.tensor([tokens]), use_cache=False).logits
    finally:
        for hook in hooks:
            hook.remove()
    if is_capped:
        keep("lm_head", None, logits[0])
    return values


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
    for stage in (stage for stage in STAGES if size[stage] > 0):
        print(f"{stage:20} max |difference| {worst[stage]:.2e}   max |value| {size[stage]:.2e}")
    limit = 1e-12
    within = all(worst[stage] <= limit * max(1.0, size[stage]) for stage in STAGES)
    print(f"self-check: {'within' if within else 'NOT within'} {limit} of the largest value of each stage")
    return within


def write_captures(model, path: Path, dtype: str, prompts: list[dict], out: Path) -> None:
    for prompt in prompts:
        target = out / prompt["name"]
        files = write_capture(kept_of(capture(model, prompt["tokens"]), prompt), target)
        manifest = manifest_of(model, path, dtype, prompt) | {"files": files}
        (target / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
        print(f"{target.name}: {len(prompt['tokens'])} positions, {len(files)} files")


def write_packs(model, path: Path, dtype: str, prompts: list[dict], out: Path) -> None:
    """One safetensors file per prompt."""
    out.mkdir(parents=True, exist_ok=True)
    for prompt in prompts:
        kept = {
            (stage if layer is None else f"layer-{layer}/{stage}"): np.ascontiguousarray(value, dtype=np.float64)
            for (stage, layer), value in kept_of(capture(model, prompt["tokens"]), prompt).items()
        }
        manifest = json.dumps(manifest_of(model, path, dtype, prompt), ensure_ascii=False)
        save_file(kept, out / f"{prompt['name']}.safetensors", metadata={"manifest": manifest})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with config.json and tensors, or a GGUF file")
    parser.add_argument("--dtype", choices=tuple(PATCHES), default="float64")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--prompts", type=Path)
    asked.add_argument("--prompt", help="one text, as it stands")
    parser.add_argument("--out", type=Path, help="folder for the captures")
    parser.add_argument("--pack", action="store_true", help="one safetensors file per prompt, in float64")
    parser.add_argument("--self-check", action="store_true", help="compare the float64 run with numpy, write nothing")
    options = parser.parse_args()
    if not options.self_check and options.out is None:
        parser.error("--out is needed unless --self-check is given")
    torch.set_num_threads(1)

    asked_for = [{"name": "prompt", "prompt": options.prompt}]
    if options.prompts is not None:
        asked_for = json.loads(options.prompts.read_text())
    tokenizer = None
    if any("tokens" not in entry for entry in asked_for):
        source = {} if options.model.is_dir() else {"gguf_file": options.model.name}
        folder = options.model if options.model.is_dir() else options.model.parent
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **source)
    prompts = prepare(asked_for, tokenizer)
    if options.self_check:
        sys.exit(0 if self_check(options.model, load(options.model, "float64"), prompts) else 1)
    write = write_packs if options.pack else write_captures
    write(load(options.model, options.dtype), options.model.resolve(), options.dtype, prompts, options.out)


if __name__ == "__main__":
    main()
