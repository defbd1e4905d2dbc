// Encoding and decoding on vocabularies small enough to work out by hand. Agreement with llama.cpp on real ones is
// tokenizer-parity.test.ts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTextModel } from '../../../src/engine/text/create-text-model.ts';
import type { Notice } from '../../../src/engine/index.ts';
import { bpeMetadata, sentencePieceMetadata, type Metadata } from './vocabularies.ts';

const TEXT = { parseSpecial: false, addBos: false };
const SPECIAL = { parseSpecial: true, addBos: false };

/** The tokens of `bpeMetadata()`, one of them renamed. */
function bpeTokens(without: string): string[] {
  const tokens = bpeMetadata().get('tokenizer.ggml.tokens') as string[];
  return tokens.map((token) => (token === without ? 'renamed' : token));
}

const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];

function noticesOf(metadata: Metadata): Notice[] {
  const notices: Notice[] = [];
  createTextModel(metadata, (notice) => notices.push(notice));
  return notices;
}

test('byte-level BPE applies merges in their order, inside words only', () => {
  const model = createTextModel(bpeMetadata(['a b', 'Ġ a', 'ab c']));
  expect(model.encode('abc', TEXT)).toEqual([258]);
  expect(model.encode(' abc', TEXT)).toEqual([0x20, 258]);
  expect(model.encode('a.b', TEXT)).toEqual([0x61, 0x2e, 0x62]);
  expect(model.encode('', TEXT)).toEqual([]);
});

test('a llama-bpe word that is a token is that token, whatever the merges say', () => {
  const merges = ['a b', 'c d', 'ab cd'];
  const changes = { 'tokenizer.ggml.merges': ['b c'] };
  expect(createTextModel(bpeMetadata(merges, changes)).encode('abcd', TEXT)).toEqual([0x61, 0x62, 0x63, 0x64]);
  const llama = createTextModel(bpeMetadata(merges, { ...changes, 'tokenizer.ggml.pre': 'llama-bpe' }));
  expect(llama.encode('abcd', TEXT)).toEqual([258]);
});

test('a merge into a string that is not a token gives its bytes, and can be a step to a token', () => {
  const metadata = bpeMetadata(['a b', 'ab c'], { 'tokenizer.ggml.merges': ['b c', 'd e', 'de f'] });
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  tokens[256] = 'def';
  const model = createTextModel(metadata);
  expect(model.encode('abc', TEXT)).toEqual(bytesOf('abc'));
  expect(model.encode('def de', TEXT)).toEqual([256, 0x20, 0x64, 0x65]);
});

test('SentencePiece merges the highest score first and the leftmost of equals', () => {
  const tokens = [
    ['▁', -9],
    ['a', -9],
    ['ab', -1],
    ['ba', -1],
    ['aba', -2],
    ['▁a', -5],
  ] as const;
  const model = createTextModel(sentencePieceMetadata(tokens));
  // ▁ab·ab would need ▁a; "ab" and "ba" score alike, so the first pair of "aba" merges, then "ab" + "a".
  expect(model.encode('aba', TEXT)).toEqual([259, 263]);
  expect(model.encode('a', TEXT)).toEqual([264]);
});

test('SentencePiece reaches a token through characters that are no tokens themselves', () => {
  const model = createTextModel(sentencePieceMetadata([['xy', -1]], { 'tokenizer.ggml.add_space_prefix': false }));
  expect(model.encode('xyx', TEXT)).toEqual([259, 0x78 + 3]);
});

test('SentencePiece falls back to bytes', () => {
  const model = createTextModel(sentencePieceMetadata([['▁', -1]]));
  expect(model.encode('é', TEXT)).toEqual([259, ...bytesOf('é').map((byte) => byte + 3)]);
  expect(model.decode(model.encode('é', TEXT))).toBe('é');
});

test('without the tokens of its bytes a character is the unknown token, and without that one it is lost', () => {
  const metadata = sentencePieceMetadata([['▁', -1]], { 'tokenizer.ggml.add_space_prefix': false });
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  tokens[0xa9 + 3] = 'renamed';
  expect(createTextModel(metadata).encode('aéa', TEXT)).toEqual([0x61 + 3, 0, 0x61 + 3]);
  (metadata.get('tokenizer.ggml.token_type') as number[])[0] = 3;
  expect(createTextModel(metadata).encode('aéa', TEXT)).toEqual([0x61 + 3, 0x61 + 3]);
});

test('SentencePiece never merges into a token that is no text', () => {
  const metadata = sentencePieceMetadata([
    ['<s', -1],
    ['ab', -1],
  ]);
  (metadata.get('tokenizer.ggml.token_type') as number[])[260] = 3;
  expect(createTextModel(metadata).encode('<s>ab', TEXT).slice(-4)).toEqual([259, ...bytesOf('>ab').map((b) => b + 3)]);
});

test('a merge of a piece that has merged since is left out, however often one character repeats', () => {
  const tokens = ['aa', 'aaa', 'aaaa'].map((token, i) => [token, -i] as const);
  const model = createTextModel(sentencePieceMetadata(tokens, { 'tokenizer.ggml.add_space_prefix': false }));
  // aa·aa·aa·a, then the higher score of aa·aaa and aaaa: aa·aa·aaa, then aaaa·aaa.
  expect(model.encode('a'.repeat(7), TEXT)).toEqual([261, 260]);
});

test('control tokens are found in text only where asked for, user-defined ones always', () => {
  const metadata = bpeMetadata(['a b']);
  const types = metadata.get('tokenizer.ggml.token_type') as number[];
  types[256] = 4;
  const model = createTextModel(metadata);
  expect(model.encode('x<|start|>', SPECIAL)).toEqual([0x78, 258]);
  expect(model.encode('<|start|>', TEXT)).toEqual(bytesOf('<|start|>'));
  expect(model.encode('.ab.', TEXT)).toEqual([0x2e, 256, 0x2e]);
});

test('a control token that begins a longer one is found by itself, and within other text', () => {
  const metadata = bpeMetadata(['a b', 'ab c']);
  const types = metadata.get('tokenizer.ggml.token_type') as number[];
  types[256] = 3;
  types[257] = 3;
  expect(createTextModel(metadata).encode('ab.abc.abd', SPECIAL)).toEqual([256, 0x2e, 257, 0x2e, 256, 0x64]);
});

test('of overlapping control tokens the longest wins, wherever it starts', () => {
  const metadata = bpeMetadata(['a b', 'b c', 'bc d']);
  const types = metadata.get('tokenizer.ggml.token_type') as number[];
  types[256] = 3;
  types[258] = 3;
  expect(createTextModel(metadata).encode('abcd', SPECIAL)).toEqual([0x61, 258]);
});

test('a BOS is put first where asked for, and refused where there is none', () => {
  expect(createTextModel(bpeMetadata()).encode('a', { parseSpecial: false, addBos: true })).toEqual([257, 0x61]);
  const none = createTextModel(bpeMetadata([], { 'tokenizer.ggml.bos_token_id': undefined }));
  expect(none.bosId).toBeNull();
  expect(() => none.encode('a', { parseSpecial: false, addBos: true })).toThrow(
    expect.objectContaining({ code: 'E_TOKENIZER_NO_BOS' }),
  );
});

test.each([
  ['byte-level BPE', bpeMetadata(['a b', 'Ġ a', 'ab c'])],
  [
    'SentencePiece',
    sentencePieceMetadata([
      ['▁', -1],
      ['a', -2],
      ['▁a', -3],
      ['aa', -4],
    ]),
  ],
])('%s gives every text back, whole and token by token', (_, metadata) => {
  const model = createTextModel(metadata);
  const characters = fc.constantFrom(...' ab.é漢😀\n\ufeff\u0301▁'.split(''), '😀');
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 30 }), (text) => {
      const ids = model.encode(text, TEXT);
      // SentencePiece spells its space ▁, so a ▁ of the text comes back as one.
      const expected = metadata.get('tokenizer.ggml.model') === 'llama' ? text.replaceAll('▁', ' ') : text;
      expect(model.decode(ids)).toBe(expected.toWellFormed());
      const stream = model.openStream([]);
      expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(expected.toWellFormed());
    }),
  );
});

test('a lone surrogate is U+FFFD', () => {
  const model = createTextModel(bpeMetadata());
  expect(model.encode('a\ud800', TEXT)).toEqual(bytesOf('a\ufffd'));
});

test('decoding keeps what libraries lose: nothing, a byte order mark, spaces before marks', () => {
  const model = createTextModel(bpeMetadata());
  expect(model.decode([])).toBe('');
  expect(model.decode(bytesOf('\ufeffa .'))).toBe('\ufeffa .');
});

test('decoding leaves control tokens out unless asked, and names ids beyond the vocabulary', () => {
  const model = createTextModel(bpeMetadata());
  expect(model.decode([257, 0x61, 256])).toBe('a');
  expect(model.decode([257, 0x61, 256], { keepSpecial: true })).toBe('<|start|>a<|end|>');
  expect(model.decode([9999])).toBe('[id 9999]');
  expect(() => model.decode([-1])).toThrow(expect.objectContaining({ code: 'E_TOKEN_ID' }));
});

test('the space before a SentencePiece text is dropped where the first id carries it', () => {
  const model = createTextModel(sentencePieceMetadata([['▁a', -1]]));
  expect(model.decode([259, 259])).toBe('a a');
  expect(model.decode([1, 259])).toBe(' a');
  expect(model.openStream([1]).push(259)).toBe('a');
  expect(model.openStream([1, 259]).push(259)).toBe(' a');
});

test('a stream holds back half a character and gives U+FFFD for one that never ends', () => {
  const stream = createTextModel(bpeMetadata()).openStream([]);
  const [first, second, third] = bytesOf('漢') as [number, number, number];
  expect([first, second, third, 0x61].map((byte) => stream.push(byte))).toEqual(['', '', '漢', 'a']);
  expect(stream.push(first)).toBe('');
  expect(stream.push(0x61)).toBe('\ufffda');
  expect(stream.push(first) + stream.end()).toBe('\ufffd');
});

test('tokens named like properties of objects are tokens', () => {
  const metadata = bpeMetadata(['a b'], { 'tokenizer.ggml.pre': 'llama-bpe' });
  (metadata.get('tokenizer.ggml.tokens') as string[])[256] = '__proto__';
  (metadata.get('tokenizer.ggml.token_type') as number[])[256] = 4;
  expect(createTextModel(metadata).encode('a__proto__', TEXT)).toEqual([0x61, 256]);
  expect(noticesOf(bpeMetadata([], { 'tokenizer.ggml.pre': 'constructor' }))).toMatchObject([{ code: 'PRE-FALLBACK' }]);
});

test('end ids are eos, eot, eom and every control token that is known to end a turn', () => {
  expect([...createTextModel(bpeMetadata()).endIds]).toEqual([256]);
  const eot = createTextModel(bpeMetadata([], { 'tokenizer.ggml.eot_token_id': 7n }));
  expect(eot.endIds).toEqual(new Set([256, 7]));
});

test.each([
  ['an unknown pre-tokenizer', 'PRE-FALLBACK', { 'tokenizer.ggml.pre': 'no-such' }],
  ['no pre-tokenizer', 'PRE-FALLBACK', { 'tokenizer.ggml.pre': undefined }],
  [
    'a wanted BOS without an id',
    'BOS-FALLBACK',
    { 'tokenizer.ggml.bos_token_id': undefined, 'tokenizer.ggml.add_bos_token': true },
  ],
  ['a byte without a token', 'BYTES-MISSING', { 'tokenizer.ggml.tokens': bpeTokens('é') }],
  ['a template that reads the clock', 'TEMPLATE-CLOCK', { 'tokenizer.chat_template': "{{ strftime_now('%Y') }}" }],
])('says so about %s', (_, code, changes) => {
  expect(noticesOf(bpeMetadata([], changes)).map((notice) => notice.code)).toEqual([code]);
});

test('a BOS that no key names is found by the spelling of the architecture', () => {
  const metadata = sentencePieceMetadata([], { 'tokenizer.ggml.bos_token_id': undefined });
  expect(noticesOf(metadata)).toMatchObject([
    { code: 'BOS-FALLBACK', message: expect.stringContaining('using 1 ("<s>")') },
  ]);
  expect(createTextModel(metadata)).toMatchObject({ bosId: 1, wantsBos: true });
});

test('an end token that is marked as text is taken as a control token, and that is said', () => {
  const metadata = bpeMetadata();
  (metadata.get('tokenizer.ggml.token_type') as number[])[256] = 1;
  expect(noticesOf(metadata).map(({ code }) => code)).toEqual(['CONTROL-FALLBACK']);
  expect(createTextModel(metadata).encode('<|end|>', TEXT)).toEqual(bytesOf('<|end|>'));
});

test.each([
  ['no tokens', 'E_TOKENIZER_EMPTY', { 'tokenizer.ggml.tokens': [] }],
  ['tokens that are no strings', 'E_TOKENIZER_TYPE', { 'tokenizer.ggml.tokens': [1, 2] }],
  [
    'a token twice',
    'E_TOKENIZER_DUPLICATE',
    { 'tokenizer.ggml.tokens': ['a', 'a'], 'tokenizer.ggml.token_type': undefined },
  ],
  ['too few types', 'E_TOKENIZER_LENGTH', { 'tokenizer.ggml.token_type': [1] }],
  ['a BOS beyond the vocabulary', 'E_TOKENIZER_ID', { 'tokenizer.ggml.bos_token_id': 258 }],
  ['an id of 2^63', 'E_TOKENIZER_ID', { 'tokenizer.ggml.eos_token_id': 2n ** 63n }],
  ['a flag that is a number', 'E_TOKENIZER_TYPE', { 'tokenizer.ggml.add_bos_token': 1 }],
  ['a template that is a list', 'E_TOKENIZER_TYPE', { 'tokenizer.chat_template': [] }],
])('refuses %s', (_, code, changes) => {
  expect(() => createTextModel(bpeMetadata([], changes))).toThrow(expect.objectContaining({ code }));
});

test.each([
  ['no scores', { 'tokenizer.ggml.scores': undefined }],
  ['a score that is NaN', { 'tokenizer.ggml.scores': Array.from({ length: 259 }, () => Number.NaN) }],
])('refuses SentencePiece with %s', (_, changes) => {
  const metadata = sentencePieceMetadata([], changes);
  expect(() => createTextModel(metadata)).toThrow(expect.objectContaining({ code: 'E_TOKENIZER_SCORES' }));
});

test.each([
  ['no tokenizer', undefined],
  ['a kind that is not read', 't5'],
])('with %s, ids show as ids and text is refused', (_, kind) => {
  const metadata = bpeMetadata([], { 'tokenizer.ggml.model': kind });
  expect(noticesOf(metadata)).toMatchObject([{ code: 'NO-TOKENIZER', severity: 'warning' }]);
  const model = createTextModel(metadata);
  expect(model.decode([3, 4])).toBe('[id 3][id 4]');
  expect(() => model.encode('a', TEXT)).toThrow(expect.objectContaining({ code: 'E_TOKENIZER_ABSENT' }));
});
