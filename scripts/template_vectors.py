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
from generator import generated  # noqa: E402

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
MAX_CHARACTERS = 200


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
    print(f"{name}: {len(rows)} cases, {len(text)} bytes, {sum(row[-2] is None for row in rows)} errors")


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


HOSTILE = "  \u00a0x \u2028\r\ny\t'\"\\\\n{{ 1 }}{% if %} <|to|>\ufeff\u00df\U0001f44d\u200b \n"
CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "add", "arguments": {"a": 2, "b": -3.5, "note": "it's \"x\" \u00e9", "deep": {"z": [None, True], "y": "<&>"}}}}
PLAIN = [{"role": "user", "content": "Hi"}]
TALK = [
    {"role": "system", "content": " Be brief. "},
    {"role": "user", "content": "  2+2? "},
    {"role": "assistant", "content": "<muse>\nhm\n</muse>\n\n4 "},
    {"role": "user", "content": "Why?\n"},
]
CONVERSATIONS = {
    "plain": PLAIN,
    "talk": TALK,
    "answered": [*TALK, {"role": "assistant", "content": "Because."}],
    "hostile": [{"role": "system", "content": HOSTILE}, {"role": "user", "content": HOSTILE}, {"role": "assistant", "content": HOSTILE[::-1]}, {"role": "user", "content": "\x85\x1cq\x1f"}],
    "disordered": [{"role": "assistant", "content": "first"}, {"role": "user", "content": ""}, {"role": "user", "content": "/quiet again"}, {"role": "narrator", "content": "dusk"}],
    "parts": [{"role": "system", "content": [{"type": "text", "text": "See."}]}, {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " What is it?\r\n"}]}, {"role": "assistant", "content": [{"type": "text", "text": "A cat"}]}, {"role": "user", "content": [{"type": "text", "text": "Sure?"}]}],
    "calls": [{"role": "user", "content": "Add."}, {"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "tool", "name": "add", "tool_call_id": "abcdefghi", "content": "-1.5"}, {"role": "assistant", "content": "It is -1.5"}],
    "two calls": [{"role": "system", "content": "S"}, {"role": "user", "content": "Add."}, {"role": "assistant", "content": "", "reasoning_content": "\nI add\n", "tool_calls": [CALL, {"id": "jklmnopqr", "type": "function", "function": {"name": "now", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "abcdefghi", "content": "1"}, {"role": "tool", "tool_call_id": "jklmnopqr", "content": "{\"t\": 1}"}],
    "reasoned": [{"role": "user", "content": "1?"}, {"role": "assistant", "content": "2", "reasoning_content": "a\nb"}, {"role": "user", "content": "3?"}, {"role": "assistant", "content": "4", "reasoning_content": "c"}],
    "empty": [],
}
TOOLS = [
    {"type": "function", "function": {"name": "add", "description": "Adds \"two\" <numbers> \u00e9.", "parameters": {"type": "object", "properties": {"b": {"type": "number", "description": " the second "}, "a": {"type": ["integer", "number"], "description": "first"}, "note": {"type": "string", "enum": ["x", "y"], "default": "x", "description": "why"}, "many": {"type": "array", "items": {"type": "string"}, "description": "list"}}, "required": ["a"]}, "return": {"type": "number"}}},
    {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}},
]
SETTINGS = {
    "none": {},
    "tools": {"tools": TOOLS},
    "no tools": {"tools": [], "documents": []},
    "papers": {"documents": [{"title": "T\u00e9", "text": "It's <so>"}, {"title": "U", "text": "a\nb", "n": 1}], "citation_mode": "fast", "controls": {"length": "short", "citations": True}},
    "quiet": {"enable_thinking": False, "thinking": False, "reasoning_effort": "low", "thinking_budget": 600, "skip_think": False},
    "muse": {"enable_thinking": True, "thinking": True, "date_string": "3 May", "thinking_budget": 0, "custom_tools": None, "builtin_tools": ["add", "python"], "tools_in_user_message": False, "add_vision_id": True, "tools": TOOLS[:1]},
}


def situations(source):
    """Conversation, whether an answer is asked for, settings: those that this template looks at."""
    yield from [("plain", True, "none"), ("talk", True, "none"), ("answered", False, "none"), ("hostile", True, "none"), ("disordered", False, "no tools")]
    if "string" in source or "parts" in source or len(source) > 3000:
        yield ("parts", True, "none")
    if "tool" in source:
        yield from [("talk", True, "tools"), ("talk", False, "no tools"), ("calls", False, "tools"), ("two calls", True, "tools"), ("calls", True, "none")]
    if "document" in source:
        yield from [("talk", True, "papers"), ("plain", False, "papers")]
    if any(word in source for word in ("enable_thinking", "thinking", "muse", "reasoning", "date_string", "builtin_tools", "add_vision_id")):
        yield from [("reasoned", False, "quiet"), ("reasoned", True, "muse"), ("talk", True, "muse")] + ([("parts", True, "muse")] if "add_vision_id" in source else [])
    yield ("empty", True, "none")


def write_families():
    templates = {path.stem: path.read_text() for path in sorted((HERE / "families").glob("*.jinja"))}
    rows = [
        [name, conversation, prompt, settings, *render(source, CONVERSATIONS[conversation], prompt, **SETTINGS[settings])]
        for name, source in templates.items()
        for conversation, prompt, settings in situations(source)
    ]
    write("families.json", {"templates": templates, "conversations": CONVERSATIONS, "settings": SETTINGS}, rows)


def write_generated(name, count, seed):
    rows = []
    for template in generated(random.Random(seed), count):
        row = [template, *render(template, MESSAGES, **VARIABLES)]
        if len(template) <= 2 * MAX_CHARACTERS and (row[1] is None or len(row[1]) <= MAX_CHARACTERS):
            rows.append(row)
    write(name, {"seed": seed, "messages": MESSAGES, "variables": VARIABLES}, rows)


def main():
    """Without arguments, the recorded files; FILE COUNT SEED: so many generated templates, to search with."""
    if len(sys.argv) == 4:
        return write_generated(Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3]))
    write_expressions()
    write_families()
    write_generated("generated.json", 480, 7)


if __name__ == "__main__":
    main()
