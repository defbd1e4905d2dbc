// Characters that Unicode got after 15.1 are cut as llama.cpp cuts them: as none of letter, digit, mark or space.
import { expect, test } from 'vitest';
import { createTextModel } from '../../../src/engine/index.ts';
import { asOfUnicode15 } from '../../../src/engine/text/newer-characters.ts';
import { bpeMetadata } from './vocabularies.ts';

const youngLetter = '\u1c89';
const youngDigit = '\u{10d40}';

test('a letter of Unicode 16 makes no word with the letter before it', () => {
  // Each merge joins "a" to the first byte of what follows it in the same word.
  const { encode } = bound(['a Ã', 'a á']);
  expect(encode('aé')).toEqual([256, 0xa9]);
  expect(encode(`a${youngLetter}`)).toEqual([0x61, 0xe1, 0xb2, 0x89]);
});

test.for([
  ['\\p{L}+', 'é', youngLetter],
  ['[\\p{L}\\p{M}]', 'é', youngLetter],
  ['\\p{N}', '٣', youngDigit],
])('%s takes %s and not %s', ([expression, old, young]) => {
  const pattern = new RegExp(`^(?:${asOfUnicode15(expression ?? '')})$`, 'u');
  expect(pattern.test(old ?? '')).toBe(true);
  expect(pattern.test(young ?? '')).toBe(false);
});

test('a negated class takes what is no letter yet', () => {
  const pattern = new RegExp(`^${asOfUnicode15('[^\\s\\p{L}\\p{N}]+')}$`, 'u');
  expect(pattern.test(`.${youngLetter}${youngDigit}`)).toBe(true);
  expect(pattern.test('.a')).toBe(false);
});

test('a class without categories stays as it is', () => {
  expect(asOfUnicode15('[^\\r\\n]|[0-9]')).toBe('[^\\r\\n]|[0-9]');
});

function bound(merges: readonly string[]): { encode: (text: string) => number[] } {
  const model = createTextModel(bpeMetadata(merges));
  return { encode: (text) => model.encode(text, { parseSpecial: false, addBos: false }) };
}
