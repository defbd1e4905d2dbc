"""Writes falsifiers/vectors/tokenizer-parity/sentencepiece.json: a vocabulary that SentencePiece itself trained, and the
ids that SentencePiece itself gives for the corpus. Training text is what the repository already holds. Needs PyPI
sentencepiece 0.2.3, which nothing else here does: `python scripts/sentencepiece_vectors.py`."""

import io
import json
from pathlib import Path

import sentencepiece

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "falsifiers/vectors/tokenizer-parity"
TOKENS_A_LINE = 6
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # GGUF's numbers


def sentences():
    corpus = json.loads((FOLDER / "corpus.json").read_text())
    for entry in corpus["strings"]:
        yield from entry["text"].encode("utf-8", "replace").decode().replace("\0", " ").split("\n")
    questions = json.loads((ROOT / "models/sums-2m/questions.json").read_text())
    for group in questions["sets"]:
        for question, answer in group["items"][:100]:
            yield f"{question} {answer}"
    yield from (ROOT / "LICENSE").read_text().split("\n")


def main():
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for line in sentences() if line]),
        model_writer=model,
        model_type="bpe",
        vocab_size=1800,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        character_coverage=0.98,
        num_threads=1,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    tokens = []
    for i in range(processor.vocab_size()):
        kind = UNKNOWN if processor.is_unknown(i) else CONTROL if processor.is_control(i) else NORMAL
        tokens.append([processor.id_to_piece(i), processor.get_score(i), BYTE if processor.is_byte(i) else kind])
    corpus = json.loads((FOLDER / "corpus.json").read_text())
    # A string that is not Unicode, and one that NUL ends, are no input of this library.
    ids = {}
    for entry in corpus["strings"]:
        text = entry["text"]
        if any(0xD800 <= ord(c) < 0xE000 for c in text):
            continue
        ids[entry["id"]] = processor.encode(text)
    written = {
        "schemaVersion": 1,
        "producer": {"name": "SentencePiece", "version": sentencepiece.__version__},
        "trainedOn": ["corpus.json", "models/sums-2m/questions.json", "LICENSE"],
        "columns": ["token", "score", "type"],
        "tokens": tokens,
        "ids": ids,
    }
    parts = []
    for key, value in written.items():
        if key == "tokens":
            cells = [json.dumps(cell, ensure_ascii=False) for cell in value]
            lines = [", ".join(cells[i : i + TOKENS_A_LINE]) for i in range(0, len(cells), TOKENS_A_LINE)]
            parts.append(f' "{key}": [\n  ' + ",\n  ".join(lines) + "\n ]")
        elif key == "ids":
            lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()]
            parts.append(f' "{key}": {{\n  ' + ",\n  ".join(lines) + "\n }")
        else:
            parts.append(f' "{key}": {json.dumps(value, ensure_ascii=False)}')
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    assert json.loads(text) == written
    (FOLDER / "sentencepiece.json").write_text(text)
    print(f"{len(tokens)} tokens, {len(ids)} strings")


main()
