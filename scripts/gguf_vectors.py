"""Writes what the PyPI package `gguf` reads in the shipped GGUF files, as an oracle for another reader.

    python scripts/gguf_vectors.py [--out falsifiers/vectors/gguf-reader] [FILE.gguf ...]

Arrays are given by length, first and last element and a digest: sha256 of the UTF-8 JSON text of the
array, no spaces, non-ASCII characters unescaped (JSON.stringify of the same array gives the same text).

Without FILE also empty-tensors.json: small files written here from the specification, in which tensors without elements
and single numbers stand among others, and what the package reads in them.
"""

import argparse
import base64
import hashlib
import json
import random
import struct
import tempfile
from importlib.metadata import version
from pathlib import Path

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFValueType

EMPTY_FILES = 40
EMPTY_TYPES = [GGMLQuantizationType[name] for name in ("F32", "F16", "Q8_0", "Q4_K")]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def metadata_entry(field) -> dict:
    kind = field.types[0]
    value = field.contents()
    if kind != GGUFValueType.ARRAY:
        return {"key": field.name, "type": kind.name, "value": value}
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return {
        "key": field.name,
        "type": kind.name,
        "elementType": field.types[-1].name,
        "length": len(value),
        "first": value[0],
        "last": value[-1],
        "jsonSha256": sha256(text.encode()),
    }


def facts(path: Path) -> dict:
    reader = GGUFReader(path)
    header = {name: int(reader.fields[f"GGUF.{name}"].contents()) for name in ("version", "tensor_count", "kv_count")}
    return {
        "schemaVersion": 1,
        "producer": {"name": "gguf", "version": version("gguf"), "command": "python scripts/gguf_vectors.py"},
        "file": {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path.read_bytes())},
        "version": header["version"],
        "tensorCount": header["tensor_count"],
        "metadataCount": header["kv_count"],
        "alignment": reader.alignment,
        "dataOffset": reader.data_offset,
        "metadata": [
            metadata_entry(field) for field in reader.fields.values() if not field.name.startswith("GGUF.")
        ],
        "tensors": [
            {
                "name": tensor.name,
                "type": tensor.tensor_type.name,
                "dims": tensor.shape.tolist(),
                "offset": int(tensor.data_offset),
                "bytes": int(tensor.n_bytes),
                "sha256": sha256(tensor.data.tobytes()),
            }
            for tensor in reader.tensors
        ],
    }


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def any_tensor(choose: random.Random, name: str) -> tuple[str, list[int], int, bytes]:
    kind = choose.choice(["filled", "empty", "empty", "single"])
    if kind == "single":
        return name, [], int(GGMLQuantizationType.F32), choose.randbytes(4)
    of = choose.choice(EMPTY_TYPES)
    block_elements, block_bytes = GGML_QUANT_SIZES[of]
    dims = [block_elements * choose.randint(1, 2), *(choose.randint(1, 3) for _ in range(choose.randint(0, 3)))]
    if kind == "empty":
        dims[choose.randrange(len(dims))] = 0
    blocks = dims[0] // block_elements
    for extent in dims[1:]:
        blocks *= extent
    return name, dims, int(of), choose.randbytes(blocks * block_bytes)


def small_file(tensors: list[tuple[str, list[int], int, bytes]], alignment: int = 32) -> bytes:
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1)
    out += string("general.architecture") + struct.pack("<I", 8) + string("llama")
    offset = 0
    for name, dims, type_id, data in tensors:
        out += string(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", extent) for extent in dims)
        out += struct.pack("<IQ", type_id, offset)
        offset += -(-len(data) // alignment) * alignment
    for *_, data in tensors:
        out += bytes(-len(out) % alignment) + data
    return out + bytes(-len(out) % alignment)


def read_back(data: bytes) -> list[dict]:
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        file.write(data)
        file.flush()
        return [
            {
                "name": tensor.name,
                "type": tensor.tensor_type.name,
                "dims": tensor.shape.tolist(),
                "elements": int(tensor.n_elements),
                "bytes": int(tensor.n_bytes),
                "sha256": sha256(tensor.data.tobytes()),
            }
            for tensor in GGUFReader(file.name).tensors
        ]


def empty_tensors() -> dict:
    choose = random.Random(1)
    files = []
    for _ in range(EMPTY_FILES):
        data = small_file([any_tensor(choose, f"t{i}") for i in range(choose.randint(1, 5))])
        files.append({"base64": base64.b64encode(data).decode(), "tensors": read_back(data)})
    return {
        "schemaVersion": 1,
        "producer": {"name": "gguf", "version": version("gguf"), "command": "python scripts/gguf_vectors.py"},
        "files": files,
    }


def main() -> None:
    root = Path(__file__).parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=root / "falsifiers" / "vectors" / "gguf-reader")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.files:
        cases = empty_tensors()
        lines = ",\n".join(json.dumps(case) for case in cases.pop("files"))
        head = "".join(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in cases.items())
        (options.out / "empty-tensors.json").write_text(f'{{\n{head}"files": [\n{lines}\n]\n}}\n')
    for path in options.files or sorted((root / "models" / "sums-2m").glob("*.gguf")):
        text = json.dumps(facts(path), indent=1, ensure_ascii=False)
        (options.out / f"{path.name}.json").write_text(text + "\n")
        print(path.name)


if __name__ == "__main__":
    main()
