"""Writes falsifiers/vectors/tokenizer-parity/tokenizer-json.json: tokenizer.json files made from a seed out of all
components, and what the `tokenizers` library makes of them: ids of hostile strings with special tokens parsed and as
text, what the post-processor adds, the text of ids with special tokens and without; and files that it refuses. For the
bundled folder, its ids of the corpus."""

import json
import os
import random
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "falsifiers/vectors/tokenizer-parity"
MADE = 200
REFUSED = 40
R = random.Random(20261127)


def byte_alphabet():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = iter(range(256, 512))
    return [chr(byte if byte in printable else next(shifted)) for byte in range(256)]


HEX = [f"<0x{byte:02X}>" for byte in range(256)]
MARKS = ["<unk>", "<s>", "</s>"]
CHARACTERS = list("▁abcdehilnorstuvwxyzABKIT0123459.,!?'|<>_#- \néßſK漢字п")
BASES = {
    "bytes": MARKS + byte_alphabet(),
    "characters": MARKS + CHARACTERS,
    "fallback": MARKS + CHARACTERS[:30] + HEX,
}
PIECES = [
    "the It's it'ſx 'S 'LL 've x é ñ ß İ ſ K k Σας привет שלום 漢字 かな 한글 ﬁ ½ Ⅷ ² ٣ 12 345 e\u0301 a\u0308\u0323".split(" "),
    "\u0301 ᄀ\u1161 Å \u212b \U00011935\U00011930 \u1dfa a\U0001e4ec 豈 \u166d \u061d \u2e43 \U00010d40 \u088f".split(" "),
    [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n", "\u00a0", "\u3000", "\u0085", "\u2028", "\u200b", "\ufeff", "\v"],
    ". ... ! ? , ( ) < > _ ▁ ▁▁ ^ $ | # - + ~ 、 👍 👩\u200d👧 🇩🇪 ❤️ \0 \ufffd".split(" "),
    ["<s>", "</s>", "<unk>", "<tool>", "<|x|>", "<|x", "|>", "<0x41>", "abc", "ab", "b", "  ", "\n", "É", "Day"],
    ["a", "b", "ab", "ba", "c", " a", " b", "A", "B"],
]
WHOLE = ["<s>", "</s>", "<unk>", "<tool>", "<|x|>", "<|x", "|>", "<0x41>", "abc", "ab", "b", "  ", "\n", "É", "Day"]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
EXPRESSIONS = [
    GPT2, LLAMA3, LLAMA3, r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"\p{N}", r"\s+$", r"^\s+", r"\s+", r"\w+", r"[\w']+",
    r"\W", r"\d{1,2}", r"\p{Han}|\p{Hiragana}", r"(?<=\p{L})(?=\p{N})", r"\b", r"a++b?", r"(?>\s+)\S", r"[a-z&&[^aeiou]]+",
    r"[[:punct:]]", r"[^[:alnum:]]", r"\p{^L}", r"\P{M}\p{M}*", "$", "^", r"(?m:.)", r"(?i)it's|k", r"\h+", r"\R",
    r"(?i:[a-z]+)", r"(?=(\d{3})+(?!\d))", r"\p{Cf}", r"[^\p{Cn}]", r"\x{2581}+", r"(a|b)+?c", r"(?:ab|a)(?:b|)", r"[\p{P}\p{S}]",
]  # fmt: skip
BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


def maybe(chance):
    return R.random() < chance


def text():
    count = R.choice([0, 1, 2, 3, 4, 6, 9])
    made = "".join(R.choice(R.choice(PIECES)) for _ in range(count))
    return made * R.randint(2, 5) if maybe(0.05) else made


def pattern(expressions=EXPRESSIONS):
    return {"String": R.choice([" ", "▁", "a", "ab", "'", "\n", "."])} if maybe(0.4) else {"Regex": R.choice(expressions)}


def metaspace():
    made = {"type": "Metaspace", "replacement": R.choice(["▁", "▁", "▁", "_"])}
    if maybe(0.8):
        made["prepend_scheme"] = R.choice(["always", "first", "never"])
    if maybe(0.7):
        made["split"] = maybe(0.5)
    if maybe(0.2):
        made["add_prefix_space"] = made.get("prepend_scheme") != "never"
    return made


def byte_level():
    return {"type": "ByteLevel", "add_prefix_space": maybe(0.5), "trim_offsets": maybe(0.5), "use_regex": maybe(0.5)}


def normalizer(depth=0):
    kind = R.choice(
        "NFC NFD NFKC NFKD Lowercase Strip StripAccents Replace Replace Prepend Prepend Sequence Sequence BertNormalizer "
        "ByteLevel Nmt".split()
    )
    if kind == "Sequence":
        return {"type": kind, "normalizers": [normalizer(1) for _ in range(R.randint(0, 3))]} if depth == 0 else {"type": "NFC"}
    takes = [e for e in EXPRESSIONS if e in (GPT2, LLAMA3, r"[\r\n]", r"\s+", r"\p{N}", r"\w+", r"\W", r"\d{1,2}", r"\p{Cf}", r"\x{2581}+")]
    more = {
        "Strip": {"strip_left": maybe(0.5), "strip_right": maybe(0.5)},
        "Replace": {"pattern": pattern(takes), "content": R.choice(["▁", " ", "", "x", "ab"])},
        "Prepend": {"prepend": R.choice(["▁", " ", "ab"])},
        "BertNormalizer": {
            "clean_text": maybe(0.5),
            "handle_chinese_chars": maybe(0.5),
            "strip_accents": R.choice([None, True, False]),
            "lowercase": maybe(0.5),
        },
    }
    return {"type": kind, **more.get(kind, {})}


def pre_tokenizer(depth=0):
    kind = R.choice(
        "ByteLevel ByteLevel Metaspace Metaspace Metaspace Split Split Split Digits Punctuation Whitespace WhitespaceSplit "
        "CharDelimiterSplit BertPreTokenizer FixedLength Sequence Sequence".split()
    )
    if kind == "ByteLevel":
        return byte_level()
    if kind == "Metaspace":
        return metaspace()
    if kind == "Sequence":
        parts = [pre_tokenizer(1) for _ in range(R.randint(0, 3))]
        return {"type": kind, "pretokenizers": parts} if depth == 0 else {"type": "Whitespace"}
    more = {
        "Split": {"pattern": pattern(), "behavior": R.choice(BEHAVIORS), "invert": maybe(0.3)},
        "Digits": {"individual_digits": maybe(0.5)},
        "Punctuation": {"behavior": R.choice(BEHAVIORS)},
        "CharDelimiterSplit": {"delimiter": R.choice([" ", "a", "▁"])},
        "FixedLength": {"length": R.randint(1, 6)},
    }
    return {"type": kind, **more.get(kind, {})}


def decoder(depth=0):
    kind = R.choice("ByteLevel Metaspace ByteFallback Fuse Strip Replace WordPiece BPEDecoder CTC Sequence Sequence Sequence".split())
    if kind == "ByteLevel":
        return byte_level()
    if kind == "Metaspace":
        return metaspace()
    if kind == "Sequence":
        if depth == 1 or maybe(0.3):
            strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
            spaces = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
            return {"type": kind, "decoders": [spaces, {"type": "ByteFallback"}, {"type": "Fuse"}, strip]}
        return {"type": kind, "decoders": [decoder(1) for _ in range(R.randint(0, 4))]}
    more = {
        "Strip": {"content": R.choice([" ", "a", "▁"]), "start": R.randint(0, 2), "stop": R.choice([0, 0, 1])},
        "Replace": {"pattern": pattern(), "content": R.choice([" ", "", "x", "ab"])},
        "WordPiece": {"prefix": R.choice(["##", "a"]), "cleanup": maybe(0.5)},
        "BPEDecoder": {"suffix": R.choice(["</w>", "b", "▁"])},
        "CTC": {"pad_token": R.choice(["<pad>", "a"]), "word_delimiter_token": R.choice(["|", "▁"]), "cleanup": maybe(0.5)},
    }
    return {"type": kind, **more.get(kind, {})}


def post_processor():
    kind = R.choice([None, "TemplateProcessing", "TemplateProcessing", "ByteLevel", "RobertaProcessing", "BertProcessing", "Sequence"])
    level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": maybe(0.5), "use_regex": True}
    ends = {"sep": ["</s>", 2], "cls": ["<s>", 1]}
    special = lambda name: {"SpecialToken": {"id": name, "type_id": 0}}
    some = lambda most: [special(R.choice(MARKS)) for _ in range(R.randint(0, most))]
    template = {
        "type": "TemplateProcessing",
        "single": [*some(2), {"Sequence": {"id": "A", "type_id": 0}}, *some(2)],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {name: {"id": name, "ids": [i], "tokens": [name]} for i, name in enumerate(MARKS)},
    }
    return {
        None: None,
        "TemplateProcessing": template,
        "ByteLevel": level,
        "RobertaProcessing": {"type": kind, **ends, "trim_offsets": True, "add_prefix_space": True},
        "BertProcessing": {"type": kind, **ends},
        "Sequence": {"type": kind, "processors": [level, template]},
    }[kind]


def model(base):
    kind = R.choices(["BPE", "WordPiece", "WordLevel"], [10, 1, 1])[0]
    known = BASES[base]
    more, merges = [], []
    prefix = R.choice([None, None, None, "##"]) if kind == "BPE" and base == "characters" else None
    suffix = R.choice([None, None, None, "</w>"]) if kind == "BPE" and base == "characters" else None
    pieces = [token for token in known[3:] if len(token) == 1]
    if kind != "BPE" or prefix:
        more += ["##" + token for token in pieces[:14]]
    if suffix:
        more += [token + suffix for token in pieces[:14]]
    pool = pieces[:14] + ["Ġ", "'", "s", "t", "a", "b"] if base == "bytes" else pieces[:24]
    pool = [token for token in pool if token in known] + more
    for _ in range(R.randint(5, 28) if kind == "BPE" else 0):
        left, right = R.choice(pool), R.choice(pool)
        if prefix and not right.startswith(prefix):
            continue
        whole = left + right[len(prefix or "") :]
        if " " in whole or len(whole) > 8:
            continue
        merges.append([left, right])
        if whole not in known and whole not in more:
            more.append(whole)
        pool += [whole, whole]
    more += [token for token in ["abc", "ab", "it", "▁the"] if maybe(0.3) and token not in known and token not in more]
    if kind == "WordPiece":
        made = {"type": kind, "unk_token": "<unk>", "continuing_subword_prefix": "##", "max_input_chars_per_word": R.choice([4, 100])}
    elif kind == "WordLevel":
        made = {"type": kind, "unk_token": "<unk>"}
    else:
        made = {
            "type": kind,
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": prefix,
            "end_of_word_suffix": suffix,
            "fuse_unk": maybe(0.5),
            "byte_fallback": base == "fallback" or maybe(0.2),
            "ignore_merges": maybe(0.3),
            "merges": merges if maybe(0.5) else [" ".join(merge) for merge in merges],
        }
    return made, more


def added_tokens(vocabulary):
    tokens, fresh = [], len(vocabulary)
    for content in R.sample(WHOLE, R.randint(0, 6)):
        flags = {"single_word": maybe(0.15), "lstrip": maybe(0.2), "rstrip": maybe(0.2), "normalized": maybe(0.4)}
        known = vocabulary.get(content)
        tokens.append({"id": fresh if known is None else known, "content": content, **flags, "special": maybe(0.5)})
        fresh += known is None
    return tokens


def file():
    base = R.choice(list(BASES))
    made, more = model(base)
    vocabulary = {token: i for i, token in enumerate(BASES[base] + more)}
    whole = {
        "version": "1.0",
        "added_tokens": added_tokens(vocabulary),
        "normalizer": normalizer() if maybe(0.5) else None,
        "pre_tokenizer": pre_tokenizer() if maybe(0.85) else None,
        "post_processor": post_processor(),
        "decoder": decoder() if maybe(0.85) else None,
        "model": made,
    }
    if base == "bytes" and maybe(0.6):
        split = {"type": "Split", "pattern": pattern(), "behavior": "Isolated", "invert": False}
        whole["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, {**byte_level(), "use_regex": False}]}
        whole["decoder"] = byte_level()
    return base, more, whole


def opened(base, more, whole):
    vocabulary = {token: i for i, token in enumerate(BASES[base] + more)}
    return Tokenizer.from_str(json.dumps({**whole, "model": {**whole["model"], "vocab": vocabulary}}))


def answers(tokenizer):
    texts = []
    for _ in range(8):
        asked = text()
        tokenizer.encode_special_tokens = False
        parsed = tokenizer.encode(asked, add_special_tokens=False).ids
        added = len(tokenizer.encode(asked, add_special_tokens=True).ids) - len(parsed)
        full = tokenizer.encode(asked, add_special_tokens=True).ids if added else None
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(asked, add_special_tokens=False).ids
        texts.append([asked, parsed, None if plain == parsed else plain, full])
    decoded = []
    for i in range(6):
        ids = texts[i][1] if i < 2 else [R.randrange(tokenizer.get_vocab_size()) for _ in range(R.choice([1, 2, 5, 9]))]
        kept, left = tokenizer.decode(ids, skip_special_tokens=False), tokenizer.decode(ids, skip_special_tokens=True)
        decoded.append([ids, left, None if kept == left else kept])
    return {"texts": texts, "decoded": decoded}


def broken(whole):
    """One key of a component left out or of another kind."""
    whole = json.loads(json.dumps(whole))
    nodes = []

    def walk(node):
        if isinstance(node, dict):
            nodes.append(node)
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
            walk(child)

    for key in ("normalizer", "pre_tokenizer", "decoder", "post_processor", "added_tokens"):
        walk(whole[key])
    node = R.choice([node for node in nodes if node] or [whole["model"]])
    key = R.choice(list(node))
    if maybe(0.6):
        del node[key]
    else:
        node[key] = R.choice([None, "x", 3, [], -1])
    return whole


def main():
    # A panic of the library also prints where it was.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    files, refused = [], []
    while len(files) < MADE:
        base, more, whole = file()
        try:
            files.append({"base": base, "tokens": more, "json": whole, **answers(opened(base, more, whole))})
        except BaseException:  # noqa: BLE001
            continue
    metaspaces = [
        {"type": "Metaspace", "replacement": "▁", "add_prefix_space": False},
        {"type": "Metaspace", "replacement": "▁", "add_prefix_space": False, "prepend_scheme": "first"},
        {"type": "Metaspace", "replacement": "▁▁", "prepend_scheme": "always"},
        {"type": "Metaspace", "str_rep": "▁"},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "sometimes"},
    ]
    while len(refused) < REFUSED:
        base, more, whole = file()
        whole = {**whole, "pre_tokenizer": metaspaces.pop()} if metaspaces else broken(whole)
        try:
            opened(base, more, whole)
        except Exception:  # noqa: BLE001
            refused.append({"base": base, "tokens": more, "json": whole})
        except BaseException:  # noqa: BLE001
            continue
    bundled = Tokenizer.from_file(str(ROOT / "models/sums-2m/hf/tokenizer.json"))
    corpus = json.loads((FOLDER / "corpus.json").read_text())["strings"]
    ids = {}
    for entry in corpus:
        try:
            asked = entry["text"].encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            continue
        ids[entry["id"]] = bundled.encode(asked, add_special_tokens=False).ids
    producer = {"name": "tokenizers", "version": tokenizers.__version__}
    lines = [
        '{"producer": ' + json.dumps(producer) + ",",
        '"bases": ' + json.dumps(BASES, ensure_ascii=False) + ",",
        '"bundled": ' + json.dumps(ids, ensure_ascii=False, separators=(",", ":")) + ",",
        '"refused": [\n' + ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in refused) + "\n],",
        '"files": [\n' + ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in files) + "\n]}",
    ]
    (FOLDER / "tokenizer-json.json").write_text("\n".join(lines) + "\n")


main()
