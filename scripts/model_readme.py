"""Writes the measured figures of a model's provenance.json into the README beside its folder, between two marks.

    python scripts/model_readme.py
"""

import json
from pathlib import Path

BEGIN, END = "<!-- figures: scripts/model_readme.py -->\n", "<!-- end of figures -->"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def accuracy_table(figures: dict[str, dict[str, int]]) -> str:
    engines = [name for name in next(iter(figures.values())) if name != "asked"]
    rows = [
        [name, str(row["asked"]), *[f"{row[e]} ({100 * row[e] / row['asked']:.1f} %)" for e in engines]]
        for name, row in figures.items()
    ]
    return table(["questions", "asked", *engines], rows)


def write_figures(folder: Path) -> None:
    provenance = json.loads((folder / "provenance.json").read_text())
    files = [[f"`{name}`", f"{f['bytes']:,}", f"`{f['sha256']}`"] for name, f in provenance["files"].items()]
    text = (
        "Held out: in no training row, in no wording.\n\n"
        + accuracy_table(provenance["accuracy"]["heldOut"])
        + "\nSeen in training: recall, not ability.\n\n"
        + accuracy_table(provenance["accuracy"]["seenInTraining"])
        + "\n"
        + table(["file", "bytes", "sha256"], files)
    )
    readme = folder.parent / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    _, after = rest.split(END)
    readme.write_text(before + BEGIN + text + END + after)


if __name__ == "__main__":
    write_figures(Path(__file__).parents[1] / "models" / "sums-2m")
