"""Writes falsifiers/vectors/tokenizer-parity/prompts.json: the ids that a prompt becomes. Raw text: llama.cpp on small
vocabularies, with what a file adds at both ends (`llama_tokenize` with add_special and parse_special). Conversations:
Transformers' `apply_chat_template(tokenize=True)` with a tokenizer that puts a BOS before every text of its own."""

import itertools
import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy
import transformers
from cyllama.llama.llama_cpp import LlamaModel, LlamaModelParams, LlamaVocab  # noqa: F401
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "falsifiers/vectors/tokenizer-parity"

SPECIALS = ["<s>", "</s>", "<|turn|>"]
TEXTS = ["", "a", "<s>a", "<s><s>a", " <s>a", "a</s>", "a</s></s>", "<|turn|>b c", "x<s>y</s>", "<s>"]
TEMPLATES = {
    "bos": "{{ bos_token }}{% for m in messages %}<|turn|>{{ m.content }}{% endfor %}",
    "none": "{% for m in messages %}<|turn|>{{ m.content }}{% endfor %}",
    "twice": "{{ bos_token }}{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}",
    "spelled": "<s>{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}",
    "late": "{% for m in messages %}{{ m.content }}{{ bos_token }}{% endfor %}",
    "asks": "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|turn|>{% endif %}",
}
CONTENTS = ["a", "<s>a", "a b</s>", " x", "<|turn|>", "é漢", "\n<s>\n"]


def byte_spellings():
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in kept]
    spelling = {byte: chr(byte) for byte in kept} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    return [spelling[byte] for byte in range(256)]


def vocabulary(kind):
    """Tokens, types (1 normal, 2 unknown, 3 control, 6 byte)."""
    if kind == "bpe":
        return [*byte_spellings(), *SPECIALS], [1] * 256 + [3] * 3
    spelled = [f"<0x{byte:02X}>" for byte in range(256)]
    return ["<unk>", *SPECIALS, *spelled, "▁", "a", "▁a"], [2, 3, 3, 3] + [6] * 256 + [1] * 3


def write_gguf(path, kind, add_bos, add_eos):
    tokens, types = vocabulary(kind)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(8)
    writer.add_feed_forward_length(8)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2" if kind == "bpe" else "llama")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if kind == "bpe":
        writer.add_tokenizer_pre("gpt-2")
        writer.add_array("tokenizer.ggml.merges", ["a b"])
    else:
        writer.add_token_scores([-float(i) for i in range(len(tokens))])
    writer.add_bos_token_id(tokens.index("<s>"))
    writer.add_eos_token_id(tokens.index("</s>"))
    if add_bos is not None:
        writer.add_add_bos_token(add_bos)
    if add_eos is not None:
        writer.add_add_eos_token(add_eos)
    # The binding wants a whole model, of which only the vocabulary is asked.
    square, vector = numpy.zeros((8, 8), numpy.float32), numpy.zeros(8, numpy.float32)
    writer.add_tensor("token_embd.weight", numpy.zeros((len(tokens), 8), numpy.float32))
    writer.add_tensor("output_norm.weight", vector)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", vector)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", square)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def raw_cases():
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        for i, (kind, add_bos, add_eos) in enumerate(
            itertools.product(("bpe", "sentencepiece"), (None, True, False), (None, True, False))
        ):
            path = f"{folder}/{i}.gguf"
            write_gguf(path, kind, add_bos, add_eos)
            params = LlamaModelParams()
            model = LlamaModel(path, params)
            vocab = model.get_vocab() if hasattr(model, "get_vocab") else LlamaVocab(model)
            for text in TEXTS:
                ids = list(vocab.tokenize(text, True, True)) if text else empty(vocab)
                cases.append({"kind": kind, "addBos": add_bos, "addEos": add_eos, "text": text, "ids": ids})
    return cases


def empty(vocab):
    """The binding has no answer for an empty text; it is what a text has more than its own ids."""
    whole, inner = list(vocab.tokenize("a", True, True)), list(vocab.tokenize("a", False, True))
    at = next(i for i in range(len(whole)) if whole[i : i + len(inner)] == inner)
    return whole[:at] + whole[at + len(inner) :]


def chat_cases():
    tokens, _ = vocabulary("bpe")
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens[:256])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIALS])
    bos = ("<s>", tokens.index("<s>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[bos])
    cases = []
    for name, template in TEMPLATES.items():
        fast = transformers.PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", chat_template=template
        )
        assert fast("a")["input_ids"][0] == bos[1]
        for content in CONTENTS:
            messages = [{"role": "user", "content": content}]
            ids = fast.apply_chat_template(messages, tokenize=True, add_generation_prompt=True, return_dict=False)
            cases.append({"template": name, "content": content, "ids": list(ids)})
    return cases


def main():
    record = {
        "producers": {
            "raw": {"name": "llama.cpp (cyllama)", "version": version("cyllama")},
            "chat": {"name": "Transformers", "version": transformers.__version__},
        },
        "vocabularies": {kind: dict(zip(("tokens", "types"), vocabulary(kind))) for kind in ("bpe", "sentencepiece")},
        "templates": TEMPLATES,
        "raw": raw_cases(),
        "chat": chat_cases(),
    }
    (FOLDER / "prompts.json").write_text(json.dumps(record, ensure_ascii=True, indent=0) + "\n")


if __name__ == "__main__":
    main()
