// Small YAML files of people: what one reader takes for one thing and the next for another is refused, with its place.
import { expect, test } from 'vitest';
import { readSmallYaml } from '../../src/diagnosis/small-yaml.ts';
import { refusal } from '../fixtures/refusal.ts';

const REFUSED: readonly (readonly [text: string, place: string, words: RegExp])[] = [
  ['a: 0x10', '1:4', /^f\.yaml:1:4: "0x10"; a decimal number is needed/],
  ['a:\n  - 1\n  - 0o17', '3:5', /"0o17"; a decimal number/],
  ['a: 010', '1:4', /"010"; a decimal number/],
  ['a: .inf', '1:4', /"\.inf"; a decimal number/],
  ['a: 1e999', '1:4', /"1e999"; a decimal number/],
  ['a: +1', '1:4', /"\+1"; a decimal number/],
  ['a: 1\na: 2', '2:1', /not YAML: .*unique/],
  ['x: &x {b: 1}\na: *x', '2:4', /an alias/],
  ['a: {<<: {b: 1}}', '1:5', /no merge key <</],
  ['a: 1\n---\na: 2', '2:1', /multiple documents/],
  ['a: [', '1:5', /not YAML/],
];

test.each(REFUSED)('refused: %j', async (text, place, words) => {
  const error = await refusal('E_PROFILE', () => readSmallYaml(text, 'f.yaml', 'E_PROFILE'));
  expect(error.place).toBe(`f.yaml:${place}`);
  expect(error.message).toMatch(words);
});

test('decimal numbers, quoted texts and JSON are read as they stand', () => {
  expect(readSmallYaml('a: 1e-3\nb: -0.5\nc: "0x10"\nd: [0, 10]', 'f', 'E')).toEqual({
    a: 1e-3,
    b: -0.5,
    c: '0x10',
    d: [0, 10],
  });
  expect(readSmallYaml('{"a": 1E5}', 'f', 'E')).toEqual({ a: 1e5 });
});
