// Where values stand: a node's start and end cut exactly its own text out of the source, in every layout. What the values
// are is the library's matter.
import { describe, expect, test } from 'vitest';
import { readYaml } from '../../../src/runner/contract/yaml/read-yaml.ts';
import type { YamlNode } from '../../../src/runner/contract/yaml/yaml-node.ts';

const TEXT = `---
# a comment
plain: one two # behind it
quoted: 'it''s'
missing:
list:
- a
- {b: [c], d: "e"}

block: |
  kept

  # text, not a comment

kept: |+
  x

last: ~
`;

/** The text of every scalar and flow collection, in file order. */
function textsOf(source: string, node: YamlNode): string[] {
  const own = source.slice(node.start, node.end);
  if (node.kind === 'scalar') return [own];
  const below = node.kind === 'seq' ? node.items : node.pairs.map(({ value }) => value);
  return [...(node.isFlow ? [own] : []), ...below.flatMap((child) => textsOf(source, child))];
}

describe('readYaml', () => {
  test.each([
    ['LF', TEXT],
    ['CRLF', TEXT.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${TEXT}`],
    ['no line break at the end', TEXT.trimEnd()],
  ])('gives each value the place of its text, with %s', (_, source) => {
    const { root, problems } = readYaml(source);
    expect(problems).toEqual([]);
    if (root?.kind !== 'map') throw new Error('not a map');
    expect(root.pairs.map(({ key }) => source.slice(key.start, key.end))).toEqual(
      root.pairs.map(({ key }) => key.text),
    );
    expect(textsOf(source, root).map((text) => text.replaceAll('\r\n', '\n'))).toEqual([
      'one two',
      "'it''s'",
      '',
      'a',
      '{b: [c], d: "e"}',
      '[c]',
      'c',
      '"e"',
      '|\n  kept\n\n  # text, not a comment\n',
      '|+\n  x\n\n',
      '~',
    ]);
  });

  test('lists the keys that stand twice in the order of the file, each with the first of its name', () => {
    const source = 'a: 1\nb: {c: 1, c: 2}\na: 2\na: 3\n';
    const { duplicates, root } = readYaml(source);
    expect(duplicates.map(({ first, second }) => [first.start, second.start])).toEqual([
      [9, 15],
      [0, 21],
      [0, 26],
    ]);
    expect(root).toMatchObject({ kind: 'map', pairs: [{ value: { value: 1 } }, {}, {}, {}] });
  });

  test('follows an alias to its value and counts it', () => {
    const { root, aliasCount } = readYaml('a: &x [1]\nb: *x\n');
    expect(aliasCount).toBe(1);
    if (root?.kind !== 'map') throw new Error('not a map');
    expect(root.pairs[1]?.value).toBe(root.pairs[0]?.value);
  });

  test.each(['', '\n', '# only a comment\n'])('reads %j as an empty document', (source) => {
    expect(readYaml(source)).toEqual({ duplicates: [], problems: [], aliasCount: 0 });
  });

  test.each([
    ['a tag that is not of the core schema', 'a: 1\nb: !!binary aGk=\n', 17],
    ['a tag of its own', 'a: !v 1.10\n', 6],
    ['another version of YAML', '%YAML 1.1\n---\na: 1\n', 0],
    ['a second document', 'a: 1\n---\nb: 1\n', 5],
  ])('refuses %s, with the place', (_, source, start) => {
    const { root, problems } = readYaml(source);
    expect(root).toBeUndefined();
    expect(problems).toMatchObject([{ code: 'PV-001', start }]);
  });

  test('reads core tags, markers of one document and its own version', () => {
    const { root, problems } = readYaml('%YAML 1.2\n---\na: !!str 1.10\nb: !!int "8"\nc: ! x\n...\n');
    expect(problems).toEqual([]);
    if (root?.kind !== 'map') throw new Error('not a map');
    expect(root.pairs.map(({ value }) => value.kind === 'scalar' && value.value)).toEqual(['1.10', 8, 'x']);
  });
});
