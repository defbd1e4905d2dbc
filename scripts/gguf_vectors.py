"""Writes what the PyPI package `gguf` reads in the shipped GGUF files, as an oracle for another reader.

    python scripts/gguf_vectors.py [--out falsifiers/vectors/gguf-reader] [FILE.gguf ...]

Arrays are given by length, first and last element and a digest: sha256 of the UTF-8 JSON text of the
array, no spaces, non-ASCII characters unescaped (JSON.stringify of the same array gives the same text).
"""

import argparse
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from gguf import GGUFReader, GGUFValueType


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


def main() -> None:
    root = Path(__file__).parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=root / "falsifiers" / "vectors" / "gguf-reader")
    parser.add_argument("files", nargs="*", type=Path, default=sorted((root / "models" / "sums-2m").glob("*.gguf")))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in options.files:
        text = json.dumps(facts(path), indent=1, ensure_ascii=False)
        (options.out / f"{path.name}.json").write_text(text + "\n")
        print(path.name)


if __name__ == "__main__":
    main()
