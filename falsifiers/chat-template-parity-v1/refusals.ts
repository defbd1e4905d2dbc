// Templates that Jinja2 refuses: a recorded one with one piece of ours in it that cannot be read or run. Its twin, which
// Jinja2 renders, goes through the same place, so that refusing everything is no answer.
import fc from 'fast-check';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { familyTemplates, render, snippets, families, type Rendering } from './recorded.ts';

type Twins = readonly [refused: string, rendered: string];

/** Lowercase words that name nothing. */
const unknown = fc
  .array(
    fc.integer({ min: 0x61, max: 0x7a }).map((code) => String.fromCharCode(code)),
    { minLength: 3, maxLength: 8 },
  )
  .map((letters) => `x_${letters.join('')}`);

const unknownNames: ((name: string) => Twins)[] = [
  (name) => [`{{ 'a' | ${name} }}`, `{{ '${name}' | upper }}`],
  (name) => [`{{ [1] | map('${name}') | list }}`, `{{ [1] | map('upper') | list }}`],
  (name) => [`{{ 'a' is ${name} }}`, `{{ '${name}' is string }}`],
  (name) => [`{% ${name} %}`, `{% set ${name} = 1 %}`],
  (name) => [`{{ ${name}.more }}`, `{{ ${name} }}`],
  (name) => [`{{ ${name}() }}`, `{{ ${name} is defined }}`],
  (name) => [`{{ 'a'.${name}() }}`, `{{ 'a'.${name} }}`],
  (name) => [`{{ 'a' + ${name} }}`, `{{ 'a' ~ ${name} }}`],
  (name) => [`{% set ${name} = {} %}{% set ${name}.a = 1 %}`, `{% set ${name} = namespace() %}{% set ${name}.a = 1 %}`],
  (name) => [
    `{% macro ${name}(a) %}{% endmacro %}{{ ${name}(1, 2) }}`,
    `{% macro ${name}(a) %}{% endmacro %}{{ ${name}(1) }}`,
  ],
  (name) => [
    `{% macro ${name}() %}{{ ${name}() }}{% endmacro %}{{ ${name}() }}`,
    `{% macro ${name}() %}{% endmacro %}{{ ${name}() }}`,
  ],
  (name) => [`{{ namespace(_${name}=1) }}`, `{{ namespace(${name}=1).${name} }}`],
  (name) => [`{{ raise_exception('${name}') }}`, `{{ 'raise_exception' if false else '${name}' }}`],
  (name) => [`{% for a, ${name} in [1] %}{% endfor %}`, `{% for a, ${name} in [[1, 2]] %}{% endfor %}`],
  (name) => [`{{ '${name}'.index('!') }}`, `{{ '${name}'.find('!') }}`],
  (name) => [`{{ ''.__class__.${name} }}`, `{{ ''.${name} }}`],
];

const types: readonly Twins[] = [
  ["{{ 'a' + 1 }}", "{{ 'a' ~ 1 }}"],
  ['{{ none + 1 }}', '{{ 1 + 1 }}'],
  ["{{ 1 < 'a' }}", "{{ 1 == 'a' }}"],
  ['{{ 1 / 0 }}', '{{ 1 / 2 }}'],
  ['{{ 7 % 0 }}', '{{ 7 % 2 }}'],
  ['{{ none | length }}', "{{ '' | length }}"],
  ["{{ 'a'.join([1]) }}", "{{ 'a'.join(['1']) }}"],
  ["{{ 'a'.replace('a', none) }}", "{{ 'a'.replace('a', '') }}"],
  ["{{ ['a', 1] | sort }}", "{{ ['a', '1'] | sort }}"],
  ["{{ 'a' in none }}", "{{ 'a' in [] }}"],
  ['{% for a in none %}{% endfor %}', '{% for a in [] %}{% endfor %}'],
  ['{{ undefined_name | tojson }}', '{{ none | tojson }}'],
  ["{{ range('a') | list }}", '{{ range(1) | list }}'],
  ["{{ 'a'(1) }}", "{{ ('a') }}"],
  ["{{ 'a'.split('') }}", "{{ 'a'.split('b') }}"],
  ["{{ {}['a'].b }}", "{{ {}['a'] }}"],
  ["{% include 'a' %}", "{{ 'include' }}"],
];

/** What the sandbox forbids: a template must not change what it was given. */
const changes: readonly Twins[] = [
  ...['append(1)', 'extend([1])', 'insert(0, 1)', 'pop()', 'remove(1)', 'reverse()', 'sort()', 'clear()'].map(
    (call): Twins => [`{{ [1].${call} }}`, '{{ [1].count(1) }}'],
  ),
  ...['pop("a")', 'popitem()', 'setdefault("b", 1)', 'update({})', 'clear()'].map((call): Twins => [
    `{{ {"a": 1}.${call} }}`,
    '{{ {"a": 1}.get("a") }}',
  ]),
];

const unfinished: readonly Twins[] = [
  ['{{ 1', '{{ 1 }}'],
  ['{{ 1 + }}', '{{ 1 + 1 }}'],
  ["{{ 'a }}", "{{ 'a' }}"],
  ['{{ [1, }}', '{{ [1,] }}'],
  ['{{ 1 2 }}', "{{ '1' '2' }}"],
  ['{% if true %}', '{% if true %}{% endif %}'],
  ['{% for a in [] %}{% endif %}', '{% for a in [] %}{% endfor %}'],
  ['{% set a = %}', '{% set a = 1 %}'],
  ['{% set 1 = 2 %}', '{% set a = 2 %}'],
  ['{% raw %}a', '{% raw %}a{% endraw %}'],
  ['{% generation %}', '{% generation %}{% endgeneration %}'],
  ['{# a', '{# a #}'],
  ['{{ a && b }}', '{{ a and b }}'],
  ['{{ !a }}', '{{ not a }}'],
  ['{{ a ? 1 : 2 }}', '{{ 1 if a else 2 }}'],
  ['{% if a = 1 %}{% endif %}', '{% if a == 1 %}{% endif %}'],
  ['{% macro a(b=1, c) %}{% endmacro %}', '{% macro a(b, c=1) %}{% endmacro %}'],
];

const twins: fc.Arbitrary<Twins> = fc.oneof(
  fc.tuple(fc.constantFrom(...unknownNames), unknown).map(([of, name]) => of(name)),
  fc.constantFrom(...types, ...changes, ...unfinished),
);

/** Where the piece goes; what follows it is a comment's length away, so that nothing closes what it left open. */
const places: ((template: string, piece: string) => string)[] = [
  (template, piece) => template + piece,
  (template, piece) => `{% if true %}${piece}{% endif %}${template}`,
  (template, piece) => `{% for once in [1] %}${piece}{% endfor %}${template}`,
  (template, piece) => `{% set text %}${piece}{% endset %}${template}`,
];

const TALK = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Yes?' },
  { role: 'user', content: 'Bye' },
];

/** Takes any conversation and leaves nothing open. */
const HOSTS = ['chatml', 'olmo2', 'gemma3', 'qwen3', 'granite4', 'zephyr'];

export const broken: fc.Arbitrary<{ host: string; of: Twins; place: (template: string, piece: string) => string }> =
  fc.record({ host: fc.constantFrom(...HOSTS), of: twins, place: fc.constantFrom(...places) });

export async function searchRefusals(context: PartContext): Promise<void> {
  const templates = await familyTemplates(context);
  await context.search(broken, context.planned, ({ host, of: [refused, isRendered], place }) => {
    const answer = (piece: string): string | null =>
      render({ source: place(templates[host] ?? '', piece), messages: TALK, addGenerationPrompt: true, variables: {} });
    return (answer(refused) === null ? 0 : 1) + (answer(isRendered) === null ? 1 : 0);
  });
}

/** Everything that was recorded. */
export async function recorded(context: PartContext): Promise<Rendering[]> {
  return [
    ...(await families(context)),
    ...(await snippets(context, 'expressions')),
    ...(await snippets(context, 'generated')),
  ];
}
