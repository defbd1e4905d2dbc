"""Writes falsifiers/vectors/quant-decode: quantised blocks and what they decode to, bit for bit.

    python scripts/quant_vectors.py [--seed 2024] [--out falsifiers/vectors/quant-decode]

The decoder is the PyPI package `gguf`, float32 arithmetic. Per type: <type>.blocks.bin (raw blocks, one
after the other), <type>.f32.bin (the values, little-endian float32), and <type>.json, which names the
cases. F16 and BF16 hold all 65,536 bit patterns. A new type comes last: the place of a type seeds its cases.
"""

import argparse
import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
from gguf.quants import dequantize

RANDOM_BLOCKS = 128
BLOCKS_PER_CASE = 4


@dataclass(frozen=True)
class Layout:
    """Where a block keeps what: byte offsets of its float16 fields, byte ranges of the rest."""

    scale: int
    minimum: int | None
    quants: tuple[int, int]
    subscales: tuple[int, int] | None = None


LAYOUTS = {
    "Q8_0": Layout(scale=0, minimum=None, quants=(2, 34)),
    "Q4_0": Layout(scale=0, minimum=None, quants=(2, 18)),
    "Q4_1": Layout(scale=0, minimum=2, quants=(4, 20)),
    "Q5_0": Layout(scale=0, minimum=None, quants=(2, 22)),
    "Q5_1": Layout(scale=0, minimum=2, quants=(4, 24)),
    "Q4_K": Layout(scale=0, minimum=2, quants=(16, 144), subscales=(4, 16)),
    "Q5_K": Layout(scale=0, minimum=2, quants=(16, 176), subscales=(4, 16)),
    "Q6_K": Layout(scale=208, minimum=None, quants=(0, 192), subscales=(192, 208)),
    "Q3_K": Layout(scale=108, minimum=None, quants=(0, 96), subscales=(96, 108)),
    "Q2_K": Layout(scale=80, minimum=82, quants=(16, 80), subscales=(0, 16)),
}

# float16 bit patterns
HALVES = {
    "zero": 0x0000,
    "negative-zero": 0x8000,
    "smallest-subnormal": 0x0001,
    "largest-subnormal": 0x03FF,
    "negative-subnormal": 0x8200,
    "smallest-normal": 0x0400,
    "one": 0x3C00,
    "negative": 0xB555,
    "max-finite": 0x7BFF,
    "negative-max-finite": 0xFBFF,
}
NONFINITE = {"infinity": 0x7C00, "negative-infinity": 0xFC00, "nan": 0x7E00, "signalling-nan": 0x7C01}


def finite_halves(random: np.random.Generator, count: int) -> np.ndarray:
    """Bit patterns of finite float16 numbers, every one equally likely."""
    bits = random.integers(0, 0x7C00, count, np.uint16)
    return bits | (random.integers(0, 2, count, np.uint16) << 15)


class Cases:
    """Collects blocks of one type, and the name of each run of them."""

    def __init__(self, layout: Layout, block_bytes: int, random: np.random.Generator) -> None:
        self.layout, self.block_bytes, self.random = layout, block_bytes, random
        self.blocks: list[np.ndarray] = []
        self.index: list[dict] = []

    def drawn(self, count: int) -> np.ndarray:
        """Random bytes, with finite random scales and minima."""
        blocks = self.random.integers(0, 256, (count, self.block_bytes), np.uint8)
        self.put_half(blocks, self.layout.scale, finite_halves(self.random, count))
        if self.layout.minimum is not None:
            self.put_half(blocks, self.layout.minimum, finite_halves(self.random, count))
        return blocks

    @staticmethod
    def put_half(blocks: np.ndarray, offset: int, bits: np.ndarray | int) -> None:
        pattern = np.broadcast_to(np.asarray(bits, "<u2"), len(blocks)).reshape(-1, 1).copy()
        blocks[:, offset : offset + 2] = pattern.view(np.uint8)

    def add(self, name: str, blocks: np.ndarray) -> None:
        start = sum(map(len, self.blocks))
        self.index.append({"name": name, "blockStart": start, "blockCount": len(blocks)})
        self.blocks.append(blocks)

    def add_half(self, name: str, offset: int, bits: int) -> None:
        blocks = self.drawn(BLOCKS_PER_CASE)
        self.put_half(blocks, offset, bits)
        self.add(name, blocks)

    def add_bytes(self, name: str, span: tuple[int, int], value: int | np.ndarray) -> None:
        blocks = self.drawn(BLOCKS_PER_CASE)
        blocks[:, span[0] : span[1]] = value
        self.add(name, blocks)

    def fill(self) -> np.ndarray:
        layout = self.layout
        self.add("random", self.drawn(RANDOM_BLOCKS))
        self.add("all-bytes-zero", np.zeros((1, self.block_bytes), np.uint8))
        halves = {"scale": layout.scale} | ({} if layout.minimum is None else {"minimum": layout.minimum})
        for field, offset in halves.items():
            for name, bits in (HALVES | NONFINITE).items():
                self.add_half(f"{field}-{name}", offset, bits)
        if layout.minimum is not None:
            blocks = self.drawn(BLOCKS_PER_CASE)
            for offset in halves.values():
                self.put_half(blocks, offset, NONFINITE["infinity"])
            self.add("scale-and-minimum-infinity", blocks)
        spans = {"quants": layout.quants} | ({} if layout.subscales is None else {"subscales": layout.subscales})
        for field, span in spans.items():
            for name, value in {"zero": 0x00, "all-bits": 0xFF, "sign-bits": 0x80, "below-sign": 0x7F}.items():
                self.add_bytes(f"{field}-{name}", span, value)
            self.add_bytes(f"{field}-ramp", span, np.arange(span[1] - span[0], dtype=np.uint8))
        return np.concatenate(self.blocks)


def every_16_bit_pattern() -> tuple[np.ndarray, list[dict]]:
    blocks = np.arange(0x10000, dtype="<u2").view(np.uint8).reshape(-1, 2)
    return blocks, [{"name": "every-bit-pattern", "blockStart": 0, "blockCount": 0x10000}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=2024)
    default = Path(__file__).parents[1] / "falsifiers" / "vectors" / "quant-decode"
    parser.add_argument("--out", type=Path, default=default)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"seed {options.seed}")

    producer = {
        "name": "gguf",
        "version": version("gguf"),
        "numpy": np.__version__,
        "command": f"python scripts/quant_vectors.py --seed {options.seed}",
        "seed": options.seed,
    }
    for number, name in enumerate(("F16", "BF16", *LAYOUTS)):
        qtype = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[qtype]
        if name in LAYOUTS:
            cases = Cases(LAYOUTS[name], size, np.random.default_rng((options.seed, number)))
            blocks, index = cases.fill(), cases.index
        else:
            blocks, index = every_16_bit_pattern()
        with np.errstate(all="ignore"):  # infinity times zero is one of the cases
            values = dequantize(blocks, qtype).astype("<f4")
        if values.size != len(blocks) * elements:
            raise SystemExit(f"{name}: {values.size} values out of {len(blocks)} blocks of {elements}")
        files = {f"{name}.blocks.bin": blocks.tobytes(), f"{name}.f32.bin": values.tobytes()}
        for file, content in files.items():
            (options.out / file).write_bytes(content)
        record = {
            "schemaVersion": 2,
            "producer": producer,
            "ggmlId": qtype.value,
            "blockElements": elements,
            "blockBytes": size,
            "blocks": len(blocks),
            "nanValues": int(np.isnan(values).sum()),
            "cases": index,
            "sha256": {file: hashlib.sha256(content).hexdigest() for file, content in files.items()},
        }
        (options.out / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
        print(f"{name}: {len(blocks)} blocks, {values.size} values, {record['nanValues']} NaN")


if __name__ == "__main__":
    main()
