// The quick reader against the full one: whatever the quick one answers must be the same tree, to the last offset.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readYamlFully } from '../../../src/runner/contract/yaml-full.ts';
import { readYamlQuickly } from '../../../src/runner/contract/yaml-fast.ts';

const CONTRACT = `---
# A contract in the layouts people use
metadata:
  version: "1.0.0"
  created: 2026-02-18
  'quoted key': [a, "b, c", {d: 1e-6, e: {}}, []]
  references:
  - Someone (2017) A title: not a key
  - "x" # c
  -   spaced
equations:
    gelu:
        formula: 0.5x(1 + tanh(√(2/π)(x + 0.044715x³)))
        domain: x ∈ ℝ
        note: over
          two lines

          and a gap
    empty:
    text: |
        kept
          as is

        to the end

    folded: >-
        a
        b

        c
          d
        e
falsification_tests:
- id: F-1
  prediction: '|a - b| < 4, it''s'
  list:
    - - nested
      - 0x1F
    - key: value   # remark
      other: "\\u00e9\\n"
  null_: ~
  flag: True
last: |+
  x

`;

function expectAgreement(source: string): boolean {
  const quick = readYamlQuickly(source);
  if (quick === undefined) return false;
  expect(isDeepStrictEqual(quick, readYamlFully(source)), source).toBe(true);
  return true;
}

describe('the quick reader', () => {
  test('reads an ordinary contract as the full reader does', () => {
    const withoutTitle = CONTRACT.replace('A title: not a key', 'A title, not a key');
    expect(expectAgreement(withoutTitle)).toBe(true);
    expect(expectAgreement(CONTRACT)).toBe(true);
  });

  test.each([
    ['an anchor', 'a: &x 1\n'],
    ['an alias', 'a: *x\n'],
    ['a tag', 'a: !!str 1\n'],
    ['a tab', 'a:\t1\n'],
    ['CRLF', 'a: 1\r\n'],
    ['two documents', 'a: 1\n---\nb: 1\n'],
    ['a directive', '%YAML 1.2\n---\na: 1\n'],
    ['quotes over lines', 'a: "x\n  y"\n'],
    ['a key without colon', 'a: 1\nb\n'],
    ['a mapping inside a value', 'a: b: c\n'],
    ['deeper text behind a value', 'a: "b"\n  c\n'],
    ['a wrong indentation', 'a:\n    b: 1\n  c: 2\n'],
    ['an explicit key', '? a\n: b\n'],
    ['nothing', ''],
  ])('gives up at %s', (_, source) => {
    expect(readYamlQuickly(source)).toBeUndefined();
  });

  test('agrees on an ordinary contract with any few characters changed', () => {
    const edits = fc.array(
      fc.record({
        at: fc.nat(CONTRACT.length),
        remove: fc.nat(3),
        insert: fc.constantFrom(
          '',
          ' ',
          '  ',
          '\n',
          ':',
          ': ',
          '- ',
          '#',
          ' #',
          "'",
          '"',
          '[',
          ']',
          '{',
          '}',
          ',',
          '|\n',
          '>',
          '\n\n',
          '+',
          '?',
          '0',
          '---\n',
          'é',
        ),
      }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(edits, (changes) => {
        let source = CONTRACT;
        for (const { at, remove, insert } of changes) source = source.slice(0, at) + insert + source.slice(at + remove);
        expectAgreement(source);
      }),
      { numRuns: 600, seed: 3 },
    );
  });

  test('agrees on any pile of YAML lines', () => {
    const piece = fc.constantFrom(
      'a: 1',
      'b:',
      '- x',
      '- ',
      '-',
      '- - y',
      '- c: d',
      'key: |',
      'key: >-',
      'key: |+',
      '- |',
      '- >',
      'k: "q"',
      "k: 'it''s'",
      '"k": v',
      'k: [a, {b: c}]',
      'k: {a: 1, b: [x]}',
      'text',
      'more text # c',
      '# comment',
      '',
      '   ',
      'k: v # c',
      'k: v#c',
      'k: null',
      'k: -1.5e3',
      'k: .inf',
      'k : v',
      'k: # c',
      'k: a: b',
      '[a]',
      '{a: b}',
      'a: 1',
      'k: - x',
      '---',
      'k: -x',
      'k: ?x',
      ':x: y',
      'k: 0o17',
      'k: "\\x41\\/"',
      'k: {a: }',
      'k: [a,]',
      'k: [ ]',
    );
    const line = fc.tuple(fc.constantFrom(0, 0, 0, 1, 2, 2, 2, 3, 4, 4, 6), piece);
    const pile = fc.tuple(fc.array(line, { minLength: 1, maxLength: 9 }), fc.boolean());
    let answered = 0;
    fc.assert(
      fc.property(pile, ([lines, endsInNewline]) => {
        const source = lines.map(([indent, text]) => ' '.repeat(indent) + text).join('\n');
        if (expectAgreement(endsInNewline ? `${source}\n` : source)) answered += 1;
      }),
      { numRuns: 4000, seed: 5 },
    );
    // A reader that always gives up would agree as well.
    expect(answered).toBeGreaterThan(200);
  });
});
