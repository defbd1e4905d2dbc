"""Writes falsifiers/vectors/tokenizer-parity/chat.json: conversations as Transformers renders them. The templates are
those of the bundled model and of SmolLM2 (models/cache) and three of our own that use what these do not, one of them in
the form that Gemma 3 was trained on, of which the public file holds no template."""

import json
import random
from pathlib import Path

import transformers
from gguf import GGUFReader
from transformers.utils.chat_template_utils import render_jinja_template

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "falsifiers/vectors/tokenizer-parity"
MODELS = {
    "sums-2m": "models/sums-2m/sums-2m.q4_k_m.gguf",
    "smollm2": "models/cache/SmolLM2-135M-Instruct.Q4_1.gguf",
}
# Blocks on lines of their own, trimming, namespaces, filters, tests, tokens, ranges, loop variables, what is set in a
# branch, refusals that are not reached.
OWN = {
    "turns": """{{- bos_token }}
{%- set state = namespace(system='') %}
{%- if messages and messages[0]['role'] == 'system' %}
    {%- set state.system = messages[0].content | trim %}
    {%- set messages = messages[1:] %}
{%- endif %}
{% for message in messages %}
    {% if loop.first and state.system %}
<<{{ state.system }}>>
    {% endif %}
[{{ loop.index }}/{{ loop.length }} {{ message.role | upper }}] {{ message['content'] | trim }}{{ eos_token if message.role == 'assistant' }}
{% endfor %}
{%- if add_generation_prompt is defined and add_generation_prompt -%}
[ASSISTANT]
{%- endif %}
""",
    "counted": """{% for i in range(messages | length) %}{{ i ~ ':' }}
{%- set m = messages[i] -%}
{{ m.content | tojson }}{% if not loop.last %}, {% endif %}{% endfor %}{% for i in range(9, 1, -3) %}{{ i }}{% endfor %}
""",
    "gemma3-form": """{{ bos_token }}
{%- if messages[0].role == 'system' -%}
    {%- set before = messages[0].content + '\\n\\n' -%}
    {%- set turns = messages[1:] -%}
{%- else -%}
    {%- set before = '' -%}
    {%- set turns = messages -%}
{%- endif -%}
{%- for turn in turns -%}
    {%- if (turn.role == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception('the user speaks first, and every second time') }}
    {%- endif -%}
    {{ '<start_of_turn>' ~ ('model' if turn.role == 'assistant' else turn.role) ~ '\\n' }}
    {%- if loop.first -%}{{ before }}{%- endif -%}
    {%- if turn.content is string -%}
        {{ turn.content | trim }}
    {%- elif turn.content is iterable -%}
        {%- for part in turn.content if part.type == 'text' -%}{{ part.text | trim }}{%- endfor -%}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}
""",
}
BOS, EOS = "<|endoftext|>", "<|im_end|>"
CASES = 120


def conversations(rng):
    texts = [entry["text"] for entry in json.loads((FOLDER / "corpus.json").read_text())["strings"]]
    texts = [text for text in texts if len(text) < 60 and not any(0xD800 <= ord(c) < 0xE000 for c in text)]
    # What `trim` takes for white space at an end is the language's own: Python and JavaScript differ in these.
    texts = [text for text in texts if not set(text[:1] + text[-1:]) & set("\ufeff\x1c\x1d\x1e\x1f\x85")]
    for _ in range(CASES):
        roles = ["system"] if rng.random() < 0.4 else []
        roles += ["user", "assistant"] * rng.randrange(3) + ["user"]
        yield [{"role": role, "content": rng.choice(texts)} for role in roles], rng.random() < 0.6


def main():
    templates = dict(OWN)
    for name, path in MODELS.items():
        templates[name] = GGUFReader(ROOT / path).fields["tokenizer.chat_template"].contents()
    rng = random.Random(7)
    cases = []
    for name, template in templates.items():
        for messages, prompt in conversations(rng):
            [text], _ = render_jinja_template(
                conversations=[messages],
                chat_template=template,
                add_generation_prompt=prompt,
                bos_token=BOS,
                eos_token=EOS,
            )
            cases.append({"template": name, "messages": messages, "addGenerationPrompt": prompt, "text": text})
    head = {
        "schemaVersion": 1,
        "producer": {"name": "Transformers", "version": transformers.__version__},
        "bos": BOS,
        "eos": EOS,
        "templates": templates,
    }
    rows = ",\n  ".join(json.dumps(case, ensure_ascii=True) for case in cases)
    text = json.dumps(head, indent=1, ensure_ascii=True)[:-2] + f',\n "cases": [\n  {rows}\n ]\n}}\n'
    assert json.loads(text) == {**head, "cases": cases}
    (FOLDER / "chat.json").write_text(text)
    print(f"{len(cases)} cases")


main()
