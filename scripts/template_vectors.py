"""Writes falsifiers/vectors/chat-template-parity/: chat templates as Jinja2 renders them in Transformers' environment,
or the name of its error. The templates are our own: chat-templates/expressions.txt (one for each line; a line that
starts with a quote is JSON), chat-templates/families/*.jinja (what the templates of a model family use of the
language), and generated ones. The clock stands still."""

import datetime
import json
import random
import re
import sys
from pathlib import Path

import jinja2
import transformers
from transformers.utils import chat_template_utils

HERE = Path(__file__).resolve().parent / "chat-templates"
FOLDER = Path(__file__).resolve().parent.parent / "falsifiers/vectors/chat-template-parity"
sys.path.insert(0, str(HERE))

BOS, EOS = "<s>", "</s>"
NOW = (2025, 2, 3, 4, 5, 6)
HEAD = {
    "schemaVersion": 1,
    "producer": {"name": "Jinja2 in Transformers", "version": f"{jinja2.__version__}, {transformers.__version__}"},
    "bos": BOS,
    "eos": EOS,
    "now": NOW,
}
# What CPython prints of an object by its place in memory differs from run to run: there is nothing to agree with.
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
MAX_CHARACTERS = 20_000


class StillClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(*NOW, tzinfo=tz)


chat_template_utils.datetime = StillClock


def render(template, messages, add_generation_prompt=False, **variables):
    """[text], or [None, the error's name]."""
    try:
        [text], _ = chat_template_utils.render_jinja_template(
            conversations=[messages],
            chat_template=template,
            add_generation_prompt=add_generation_prompt,
            bos_token=BOS,
            eos_token=EOS,
            **variables,
        )
    except RecursionError:
        return [None, "RecursionError"]
    except Exception as error:
        return [None, type(error).__name__]
    if ADDRESS.search(text):
        return [None, "address"]
    try:
        text.encode()
    except UnicodeEncodeError:
        return [None, "surrogate"]
    return [text]


def write(name, head, rows):
    lines = ",\n  ".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    text = json.dumps({**HEAD, **head}, ensure_ascii=True)[:-1] + f',\n "cases": [\n  {lines}\n ]\n}}\n'
    assert len(json.loads(text)["cases"]) == len(rows)
    (FOLDER / name).write_text(text)
    print(f"{name}: {len(rows)} cases, {len(text)} bytes, {sum(row[-1] is not None and row[-2] is None for row in rows)} errors")


VARIABLES = {
    "s": "Hello, World",
    "sp": "  a b  ",
    "u": "h\u00e9llo \u2603",
    "emoji": "a\U0001f44db",
    "q": "it's",
    "dq": 'say "hi"',
    "bq": """it's "x\"""",
    "bs": "a\\b\tc\x00\x7f",
    "html": "<a href=\"x\">&'</a>",
    "crlf": "a\r\nb\rc",
    "n": 7,
    "z": 0,
    "neg": -7,
    "f": 1.5,
    "tiny": 1e-7,
    "t": True,
    "fa": False,
    "no": None,
    "l": [1, 2, 3],
    "le": [],
    "ls": ["b", "A", "c", "a"],
    "lm": [1, "a", None, True, 1.5],
    "ld": [{"name": "x", "n": 2, "on": True}, {"name": "y", "n": 1, "on": False}, {"name": "z", "n": 2}],
    "d": {"b": 1, "a": "x", "c": [1, {"k": None}]},
    "de": {},
    "nest": {"a": {"b": {"c": 1}}},
    "keyed": {"items": 1, "keys": 2, "get": 3, "a b": 4},
    "nested": [{"function": {"name": "add"}}, {"function": {"name": "mul"}}],
    "numbered": {"b": 1, "10": 2, "9": 3, "a": 4},
}
MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi \u2603"},
    {"role": "assistant", "content": " ok "},
    {"role": "user", "content": "a\r\nb"},
]


# Between expressions of one line, which are cases of their own.
BETWEEN = re.compile(r"(?<=\}\}\])[ ](?=\[\{\{)|(?<=\}\})[ |]{1,2}(?=\{\{)")


def expressions():
    for line in (HERE / "expressions.txt").read_text().split("\n"):
        if line.startswith('"'):
            yield json.loads(line)
        elif "{%" in line:
            yield line
        elif line and not line.startswith("# "):
            yield from BETWEEN.split(line)


def write_expressions():
    rows = [[template, *render(template, MESSAGES, **VARIABLES)] for template in dict.fromkeys(expressions())]
    write("expressions.json", {"messages": MESSAGES, "variables": VARIABLES}, rows)


def main():
    write_expressions()


if __name__ == "__main__":
    main()
