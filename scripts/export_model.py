"""Writes the trained model in the three forms it ships in, all from the same float16 values."""

import hashlib
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from cyllama.llama import llama_cpp
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2ForCausalLM

from sums_data import (
    DAYS,
    EVALUATED_FORMS,
    MONTHS,
    WORDS,
    addition,
    held_out_pairs,
    held_out_triples,
    other_tasks,
    sort_digits,
)

NAME = "sums-2m"
LLAMA_FTYPE_MOSTLY_Q4_K_M = 15
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

GGUF_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def gguf_name(name: str) -> str:
    """`model.layers.2.self_attn.q_proj.bias` -> `blk.2.attn_q.bias`."""
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, rest = name.split(".", 3)
    stem, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{GGUF_NAMES[stem]}.{kind}"


def write_hf(model: Qwen2ForCausalLM, tokenizer: Tokenizer, folder: Path) -> None:
    """The folder that Transformers loads; this is where float32 becomes float16, once."""
    model = model.to(torch.float16)
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=model.config.eos_token_id, pad_token_id=model.config.pad_token_id
    )
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHAT_TEMPLATE,
        model_max_length=model.config.max_position_embeddings,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder, save_jinja_files=False)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"  # a name that version 4 knows, too
    write_json(folder / "tokenizer_config.json", settings)
    (folder / "model.safetensors").chmod(0o644)


def write_gguf(hf: Path, path: Path) -> None:
    """Matrices in F16, norms and biases in F32; no output.weight, because the embedding is tied."""
    config = json.loads((hf / "config.json").read_text())
    bpe = json.loads((hf / "tokenizer.json").read_text())
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name(NAME)
    writer.add_license("MIT")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])

    specials = {token["id"]: token["content"] for token in bpe["added_tokens"]}
    tokens = {index: token for token, index in bpe["model"]["vocab"].items()} | specials
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([tokens[index] for index in range(len(tokens))])
    writer.add_token_types(
        [gguf.TokenType.CONTROL if index in specials else gguf.TokenType.NORMAL for index in range(len(tokens))]
    )
    writer.add_token_merges([" ".join(pair) for pair in bpe["model"]["merges"]])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)

    with safe_open(hf / "model.safetensors", "numpy") as tensors:
        for name in sorted(tensors.keys()):
            values = tensors.get_tensor(name)
            writer.add_tensor(gguf_name(name), values if values.ndim == 2 else values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_q4_k_m(f16: Path, path: Path) -> None:
    """llama.cpp's own mix: Q4_K, with Q6_K where it wants more."""
    params = llama_cpp.LlamaModelQuantizeParams()
    params.ftype = LLAMA_FTYPE_MOSTLY_Q4_K_M
    params.nthread = 1
    llama_cpp.disable_logging()
    llama_cpp.model_quantize(str(f16), str(path), params)


def question_sets(seed: int) -> list[dict]:
    """What the model is asked, to be answered greedily and exactly. `before` is the conversation so far."""
    pairs = sorted(held_out_pairs(seed))
    first_turn = [
        {"role": "user", "content": addition("what-is", 31, 45)[0]},
        {"role": "assistant", "content": addition("what-is", 31, 45)[1]},
    ]
    system = [{"role": "system", "content": "You are a small calculator."}]
    held_out = [(form, [], [addition(form, a, b) for a, b in pairs]) for form in EVALUATED_FORMS]
    held_out += [
        (name, before, [addition("what-is", a, b) for a, b in pairs])
        for name, before in (("second-turn", first_turn), ("system-line", system))
    ]
    held_out.append(("sort", [], [sort_digits(triple) for triple in sorted(held_out_triples(seed))]))
    small = [addition("what-is", a, b) for a in range(10) for b in range(10) if (a, b) not in held_out_pairs(seed)]
    seen = [("one-digit-sums", [], small), ("by-heart", [], other_tasks())]
    return [
        {"name": name, "heldOut": group is held_out, "before": before, "items": items}
        for group in (held_out, seen)
        for name, before, items in group
    ]


def export(model: Qwen2ForCausalLM, tokenizer: Tokenizer, training: dict, out: Path) -> None:
    """Writes everything in `out` but the packs and the accuracy figures."""
    hf, f16, q4 = out / "hf", out / f"{NAME}.f16.gguf", out / f"{NAME}.q4_k_m.gguf"
    hf.mkdir(parents=True, exist_ok=True)
    write_hf(model, tokenizer, hf)
    write_gguf(hf, f16)
    write_q4_k_m(f16, q4)

    seed = training["seed"]
    pairs = sorted(held_out_pairs(seed))
    triples = sorted(held_out_triples(seed))
    held_out = ",\n  ".join(json.dumps(pair) for pair in pairs)
    sorting = ",\n  ".join(json.dumps(triple) for triple in triples)
    (out / "held-out.json").write_text(
        f'{{\n "schemaVersion": 1,\n "additionPairs": [\n  {held_out}\n ],\n "sortTriples": [\n  {sorting}\n ]\n}}\n'
    )
    write_json(out / "questions.json", {"schemaVersion": 1, "chatTemplate": CHAT_TEMPLATE, "sets": question_sets(seed)})
    write_json(
        out / "provenance.json",
        {
            "schemaVersion": 1,
            "name": NAME,
            "license": "MIT",
            "command": "python scripts/train_model.py",
            "architecture": "qwen2",
            "parameters": sum(p.numel() for p in model.parameters()),
            "training": training,
            "data": {
                "heldOutAdditionPairs": len(pairs),
                "heldOutSortTriples": len(triples),
                "words": len(WORDS),
                "days": len(DAYS),
                "months": len(MONTHS),
            },
            "files": {
                str(path.relative_to(out)): {"bytes": path.stat().st_size, "sha256": sha256(path)}
                for path in sorted([*hf.iterdir(), f16, q4, out / "held-out.json", out / "questions.json"])
            },
        },
    )
