"""What the `safetensors` package and Transformers make of small files and folders: the oracle of safetensors-v1.

    python scripts/safetensors_vectors.py

files.json: files written here from the specification, whole and broken, with what `safetensors` answers: each tensor's
dtype, shape and digest, or its refusal. folders.json: folders as plans (config changes, files, tensors by name), with
the digest of what Transformers takes for head and embedding, as float32, or its refusal. A tensor of a plan is
[dtype, rows, columns, salt] and holds ((31 i + salt) mod 97 + 1) / 64 at i, with [i, value] changes behind.
"""

import base64
import copy
import hashlib
import json
import random
import struct
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy
import torch
import transformers
from safetensors import deserialize
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parent.parent / "falsifiers" / "vectors" / "safetensors"
DTYPES = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F8_E8M0": 8}
DTYPES |= {"F6_E2M3": 6, "F6_E3M2": 6, "F4": 4, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32}
DTYPES |= {"F32": 32, "F64": 64, "I64": 64, "U64": 64, "C64": 64}
WHOLE_FILES, BROKEN_FILES = 60, 140


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def any_tensors(choose: random.Random) -> tuple[dict, bytes]:
    header, data = {}, b""
    for i in range(choose.randint(1, 4)):
        dtype = choose.choice(list(DTYPES))
        shape = [choose.choice([0, 1, 1, 2, 4]) for _ in range(choose.randint(0, 3))]
        count = 1
        for extent in shape:
            count *= extent
        if count * DTYPES[dtype] % 8 != 0:
            shape, count = [4, *shape], 4 * count
        length = count * DTYPES[dtype] // 8
        header[f"t{i}"] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + length]}
        data += choose.randbytes(length)
    if choose.random() < 0.4:
        header["__metadata__"] = {"format": "pt", "note": "ä\n"}
    names = list(header)
    choose.shuffle(names)
    return {name: header[name] for name in names}, data


def file_of(header: str, data: bytes, length: int | None = None) -> bytes:
    text = header.encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def broken(choose: random.Random) -> bytes:
    """One rule of the format broken, or one that looks like it."""
    header, data = any_tensors(choose)
    name = choose.choice([name for name in header if name != "__metadata__"])
    entry = header[name]
    begin, end = entry["data_offsets"]
    kind = choose.randrange(20)
    if kind == 0:
        entry["dtype"] = choose.choice(["f32", "F33", "", 7, None, "F128"])
    elif kind == 1:
        entry["shape"] = [*entry["shape"], choose.choice([2, 3, 0, 1])]
    elif kind == 2:
        entry["shape"] = choose.choice([[-1], [1.5], ["1"], None, 4, [2**63], [2**40, 2**40], [2**64]])
    elif kind == 3:
        entry["data_offsets"] = choose.choice([[end, begin], [begin], [begin, end, end], None, [begin + 1, end + 1], [-1, end]])
    elif kind == 4:
        entry["data_offsets"] = [begin, end + 1]
    elif kind == 5:
        data += b"x"
    elif kind == 6:
        data = data[:-1]
    elif kind == 7:
        del entry[choose.choice(["dtype", "shape", "data_offsets"])]
    elif kind == 8:
        entry["more"] = 1
    elif kind == 9:
        header["__metadata__"] = choose.choice([{"a": 1}, {"a": None}, [], "x", {"a": {"b": "c"}}, None, {}])
    elif kind == 10:
        header[name] = choose.choice([None, [], "x", 1])
    elif kind == 11:
        header["shifted"] = {"dtype": "U8", "shape": [0], "data_offsets": [len(data) + 1, len(data) + 1]}
    elif kind == 12:
        header["same"] = copy.deepcopy(entry)
    text = json.dumps(header, ensure_ascii=False)
    if kind == 13:
        text = text[:-1]
    elif kind == 14:
        text = choose.choice([" ", "\n", "\ufeff", "x"]) + text
    elif kind == 15:
        text += choose.choice(["  ", "\n", "\0", "}", "x"])
    elif kind == 16:
        text = text.replace('"shape"', '"shape": [1], "shape"', 1)
    elif kind == 17:
        text = text[:-1] + f', "{name}": {json.dumps(entry)}}}'
    elif kind == 18:
        return file_of(text, data, choose.choice([0, 1, len(text) - 1, len(text) + len(data) + 1, 2**40, 2**63]))
    elif kind == 19:
        text = choose.choice(["[]", "{}", "", "null", '{"a"}', '{"a":'])
    return file_of(text, data)


def answer(data: bytes) -> dict:
    try:
        tensors = deserialize(data)
    except Exception as error:
        # Up to a tensor's name: of several that are wrong, any may be named.
        return {"refused": str(error).split("`")[0][:120]}
    return {
        "tensors": {
            name: {"dtype": of["dtype"], "shape": list(of["shape"]), "sha256": sha256(bytes(of["data"]))}
            for name, of in sorted(tensors, key=lambda one: one[0])
        }
    }


def files() -> list[dict]:
    choose = random.Random(1)
    made = [file_of(json.dumps(header), data) for header, data in (any_tensors(choose) for _ in range(WHOLE_FILES))]
    made += [broken(choose) for _ in range(BROKEN_FILES)]
    return [{"base64": base64.b64encode(data).decode(), **answer(data)} for data in made]


CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "dtype": "float32",
    "attention_bias": False,
    "hidden_act": "silu",
    "hidden_size": 8,
    "intermediate_size": 8,
    "max_position_embeddings": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "tie_word_embeddings": True,
    "vocab_size": 12,
}
HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
LAYER = "model.layers.0."
MATRICES = [f"self_attn.{part}_proj" for part in "qkvo"] + [f"mlp.{part}_proj" for part in ("gate", "up", "down")]
BODY = {f"{LAYER}{name}.weight": ["F32", 8, 8, i] for i, name in enumerate(MATRICES)}
BODY |= {f"{LAYER}{name}.weight": ["F32", 1, 8, 3] for name in ("input_layernorm", "post_attention_layernorm")}
BODY |= {"model.norm.weight": ["F32", 1, 8, 5]}
E5, H7 = ["F32", 12, 8, 5], ["F32", 12, 8, 7]
WHOLE = {EMBEDDING: E5, HEAD: H7, **BODY}
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


def folder(name: str, files: dict, config: dict | None = None, index: dict | None = None) -> dict:
    return {"name": name, "config": config or {}, "files": files, "index": index}


def tied(name: str, embedding: list | None, head: list | None, tie: bool | None = True) -> dict:
    held = {EMBEDDING: embedding, HEAD: head, **BODY}
    return folder(name, {SINGLE: {key: of for key, of in held.items() if of is not None}}, {"tie_word_embeddings": tie})


def split_map(first: dict, second: dict) -> dict:
    return {name: FIRST for name in first} | {name: SECOND for name in second}


def folders() -> list[dict]:
    equal16 = ["F16", 12, 8, 5]
    ends = {EMBEDDING: E5, HEAD: H7}
    stale = [*H7, [0, 9.0]]
    plain = split_map(ends, BODY)
    return [
        tied("tied, another head", E5, H7),
        tied("tied, an equal head", E5, E5),
        tied("tied, no head", E5, None),
        tied("tied, no embedding", None, H7),
        tied("tied, one value differs at the end", E5, [*E5, [95, 9.0]]),
        tied("tied, one value differs at the start", E5, [*E5, [0, 9.0]]),
        tied("tied, a zero of another sign", [*E5, [7, 0.0]], [*E5, [7, -0.0]]),
        tied("tied, equal in float16", E5, equal16),
        tied("tied, equal in bfloat16", E5, ["BF16", 12, 8, 5]),
        tied("tied, another in float16", E5, ["F16", 12, 8, 6]),
        tied("tied, differs by less than float16 can say", [*E5, [3, 1.00001]], [*equal16, [3, 1.0]]),
        tied("tied, a head with fewer rows", E5, ["F32", 11, 8, 5]),
        tied("tied, a head transposed", E5, ["F32", 8, 12, 5]),
        tied("not tied, both", E5, H7, False),
        tied("not tied, equal", E5, E5, False),
        tied("not tied, a head with fewer rows", E5, ["F32", 11, 8, 5], False),
        tied("not stated, both", E5, H7, None),
        folder("no prefix", {SINGLE: {name.removeprefix("model."): of for name, of in WHOLE.items()}}),
        folder("names of GGUF beside", {SINGLE: {**WHOLE, "output.weight": stale, "token_embd.weight": stale}}),
        folder("empty tensors and a number beside", {SINGLE: {**WHOLE, "a": ["F32", 0, 8, 0], "b": ["F32", 4, 0, 0]}}),
        folder("two files", {FIRST: ends, SECOND: BODY}, index=plain),
        folder("a stale copy in an earlier file", {FIRST: {**BODY, HEAD: stale}, SECOND: ends}, index=split_map(BODY, ends)),
        folder("a stale embedding in an earlier file", {FIRST: {**BODY, EMBEDDING: stale}, SECOND: ends}, index=split_map(BODY, ends)),
        folder("a head that the index does not name", {FIRST: ends, SECOND: BODY}, index={k: v for k, v in plain.items() if k != HEAD}),
        folder("a third file that the index does not name", {FIRST: ends, SECOND: BODY, "model-00003-of-00003.safetensors": {HEAD: stale}}, index=plain),
        folder("a single file beside an index of others", {SINGLE: {**WHOLE, HEAD: stale}, FIRST: ends, SECOND: BODY}, index=plain),
        folder("an index of the single file", {SINGLE: WHOLE}, index={name: SINGLE for name in WHOLE}),
        folder("files of other names", {"a.safetensors": ends, "b.safetensors": BODY}, index={name: "a.safetensors" if name in ends else "b.safetensors" for name in plain}),
        folder("consolidated beside", {SINGLE: WHOLE, "consolidated.safetensors": {HEAD: stale}}),
        folder("only consolidated", {"consolidated.safetensors": WHOLE}),
        folder("a missing file", {FIRST: ends}, index=plain),
        folder("a file named by config.json", {SINGLE: WHOLE, "w.safetensors": {**WHOLE, HEAD: stale}}, {"transformers_weights": "w.safetensors"}),
        folder("a path outside named by config.json", {SINGLE: WHOLE}, {"transformers_weights": "../w.safetensors"}),
    ]


def tensor_of(plan: list) -> torch.Tensor:
    dtype, rows, columns, salt, *changes = plan
    values = numpy.array([((31 * i + salt) % 97 + 1) / 64 for i in range(rows * columns)], dtype=numpy.float32)
    for at, value in changes:
        values[at] = value
    tensor = torch.from_numpy(values).to({"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[dtype])
    return tensor.reshape(columns) if rows == 1 else tensor.reshape(rows, columns)


def taken(plan: dict) -> dict:
    """Of the model as Transformers opens it; what it makes up itself is a refusal here: it is nothing that was stored."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        config = {key: value for key, value in (CONFIG | plan["config"]).items() if value is not None}
        (path / "config.json").write_text(json.dumps(config))
        for file, tensors in plan["files"].items():
            save_file({key: tensor_of(of) for key, of in tensors.items()}, path / file)
        if plan["index"] is not None:
            (path / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": plan["index"]}))
        try:
            model, info = transformers.AutoModelForCausalLM.from_pretrained(path, output_loading_info=True)
        except Exception as error:
            return {"refused": type(error).__name__}
        if info["missing_keys"]:
            return {"refused": "missing " + ", ".join(sorted(info["missing_keys"]))}
        head, embedding = model.lm_head.weight, model.model.embed_tokens.weight
        # Less the sign of a zero, in which two equal matrices may differ.
        digests = [sha256((of.detach().to(torch.float32) + 0.0).numpy().tobytes()) for of in (head, embedding)]
        return {"head": digests[0], "embedding": digests[1], "isTied": head.data_ptr() == embedding.data_ptr()}


def write(name: str, package: str, cases: dict) -> None:
    """A line for each case of the list that comes last."""
    producer = {"name": package, "version": version(package), "command": "python scripts/safetensors_vectors.py"}
    OUT.mkdir(parents=True, exist_ok=True)
    *others, (last, listed) = {"schemaVersion": 1, "producer": producer, **cases}.items()
    head = "".join(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in others)
    lines = ",\n".join(json.dumps(case) for case in listed)
    (OUT / name).write_text(f"{{\n{head}{json.dumps(last)}: [\n{lines}\n]\n}}\n")


def main() -> None:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    write("files.json", "safetensors", {"files": files()})
    write("folders.json", "transformers", {"config": CONFIG, "folders": [plan | taken(plan) for plan in folders()]})


if __name__ == "__main__":
    main()
