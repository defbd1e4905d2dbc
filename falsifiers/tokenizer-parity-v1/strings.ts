// Strings on which tokenizers part ways, searched for by fast-check: joints of the pieces that a cut or a merge could
// take wrong. Broken surrogates are among them; what becomes of them is part of the claim.
import fc from 'fast-check';
import { anyCharacter } from '../kit/arbitraries/characters.ts';

const WORDS = 'the then there It don user x é ñandú ß İ ſ K привет שלום مرحبا 漢字 かな 한글'.split(' ');
const CONTRACTIONS = ["'s", "'S", "'re", "'LL", "'ve", "'VE", "'d", "'t", "'m", "'ſ", "'", '’s', "''"];
const DIGITS = ['0', '12', '345', '67890', '٣', '१२', '½', 'Ⅷ', '²', '〇', '𝟙'];
const SPACES = [
  ' ',
  '  ',
  '   ',
  '\t',
  '\n',
  '\n\n',
  '\r\n',
  '\r',
  ' \n',
  '\n ',
  '  \n',
  '     ',
  '\t\t\t',
  '\n\n\n\n',
  '\u00a0',
  '\u2003',
  '\u3000',
  '\u0085',
  '\u2028',
  '\v\f',
];
const INVISIBLE = [
  '\0',
  '\u0001',
  '\u001b',
  '\u007f',
  '\u200b',
  '\u200d',
  '\ufeff',
  '\u00ad',
  '\u202e',
  '\ufffd',
  '\uffff',
];
const SYMBOLS = `. ... ! !! ? , = === { } () < > / \\ " _ ▁ € ^ $ |`.split(' ');
const PICTURES = ['👍', '👍🏽', '👩‍👩‍👧', '🇩🇪', '❤️', '1️⃣', '𝔘'];
const MARKS = ['\u0301', '\u0308', '\u0e33', '\u094d', '\u20dd', '\ufe0f'];
const SPELLED_TOKENS = (
  '<|im_start|> <|im_end|> <|endoftext|> <|im <| |> end|> <s> </s> <unk> <0x0A> <tool> ' +
  '<start_of_turn> <end_of_turn> <bos> <eos> <unused7> [multimodal] <table> </h1>'
).split(' ');
/** Letters and digits of Unicode 16 and 17, which older tables do not know. */
const YOUNG = ['\u1c89', '\ua7da', '\u0c5c', '\u{10d40}', '\u{105c0}', '\u{11de1}', '\u{1e5d0}', '\u{323b0}'];
const BROKEN = ['\ud800', '\udc00', '\ud83d'];

const piece: fc.Arbitrary<string> = fc.oneof(
  ...[WORDS, CONTRACTIONS, DIGITS, SPACES, INVISIBLE, SYMBOLS, PICTURES, MARKS, YOUNG, SPELLED_TOKENS].map(
    (pieces) => ({ arbitrary: fc.constantFrom(...pieces), weight: pieces === SPACES || pieces === WORDS ? 3 : 1 }),
  ),
  { arbitrary: fc.constantFrom(...BROKEN), weight: 1 },
  {
    arbitrary: fc.array(anyCharacter, { minLength: 1, maxLength: 4 }).map((characters) => characters.join('')),
    weight: 2,
  },
);

/** Up to two dozen pieces; now and then one of them many times over. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join('')), weight: 12 },
  { arbitrary: fc.tuple(piece, fc.integer({ min: 20, max: 70 })).map(([text, n]) => text.repeat(n)), weight: 1 },
);

/** The same strings without a search: `count` of them, for a program that is started once. */
export function sampleTexts(count: number, seed: number): string[] {
  return fc.sample(hostileText, { numRuns: count, seed });
}
