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

test('without the tokens of its bytes a character is the unknown token, its neighbours too, and without that one it is refused', () => {
  const metadata = sentencePieceMetadata([['▁', -1]], { 'tokenizer.ggml.add_space_prefix': false });
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  tokens[0xa9 + 3] = 'renamed';
  expect(createTextModel(metadata).encode('aéa', TEXT)).toEqual([0x61 + 3, 0, 0x61 + 3]);
  expect(createTextModel(metadata).encode('aééa é', TEXT)).toEqual([0x61 + 3, 0, 0x61 + 3, 259, 0]);
  metadata.set('tokenizer.ggml.unknown_token_id', 5);
  expect(createTextModel(metadata).encode('aéa', TEXT)).toEqual([0x61 + 3, 5, 0x61 + 3]);
  metadata.delete('tokenizer.ggml.unknown_token_id');
  (metadata.get('tokenizer.ggml.token_type') as number[])[0] = 3;
  expect(() => createTextModel(metadata).encode('a😀 éa', TEXT)).toThrow(
    expect.objectContaining({
      code: 'E_TEXT_UNENCODABLE',
      message: expect.stringMatching(/^text, character 4: "é" \(U\+00E9\) has no token/),
    }),
  );
});

test('a SentencePiece merge may end in a token that is no text, as in llama.cpp', () => {
  const metadata = sentencePieceMetadata(
    ['<s', '<0', '<0x', '<0x4', '<0x41'].map((token) => [token, -1] as const),
    { 'tokenizer.ggml.add_space_prefix': false },
  );
  const model = createTextModel(metadata);
  expect(model.encode('a<s>', TEXT)).toEqual([0x61 + 3, 1]);
  expect(model.encode('<0x41>', TEXT)).toEqual([0x41 + 3]);
});

test('a byte-level merge may end in a control token, as in llama.cpp', () => {
  const metadata = bpeMetadata(['a b']);
  (metadata.get('tokenizer.ggml.token_type') as number[])[256] = 3;
  expect(createTextModel(metadata).encode('abc', TEXT)).toEqual([256, 0x63]);
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
  expect(model.encode('x<|begin|>', SPECIAL)).toEqual([0x78, 258]);
  expect(model.encode('<|begin|>', TEXT)).toEqual(bytesOf('<|begin|>'));
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
  expect(model.decode([257, 0x61, 256], { keepSpecial: true })).toBe('<|begin|>a<|end|>');
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
  expect(noticesOf(bpeMetadata([], { 'tokenizer.ggml.pre': 'constructor' }))).toMatchObject([{ code: 'PRE-UNKNOWN' }]);
});

test('end ids are eos, eot, eom and every control token that is known to end a turn', () => {
  expect([...createTextModel(bpeMetadata()).endIds]).toEqual([256]);
  const eot = createTextModel(bpeMetadata([], { 'tokenizer.ggml.eot_token_id': 7n }));
  expect(eot.endIds).toEqual(new Set([256, 7]));
});

test.each([
  ['an unknown pre-tokenizer', 'PRE-UNKNOWN', { 'tokenizer.ggml.pre': 'no-such' }],
  ['no pre-tokenizer', 'PRE-FALLBACK', { 'tokenizer.ggml.pre': undefined }],
  [
    'a wanted BOS without an id',
    'BOS-FALLBACK',
    { 'tokenizer.ggml.bos_token_id': undefined, 'tokenizer.ggml.add_bos_token': true },
  ],
  ['a BOS beyond the vocabulary', 'TOKEN-ID', { 'tokenizer.ggml.bos_token_id': 2 ** 32 - 1 }],
  ['an id of 2^63', 'TOKEN-ID', { 'tokenizer.ggml.eot_token_id': 2n ** 63n }],
  ['named templates only', 'TEMPLATE-NAMED', { 'tokenizer.chat_template.tool_use': 'a' }],
  ['tokens that are never to be generated', 'SUPPRESS-UNUSED', { 'tokenizer.ggml.suppress_tokens': [3] }],
  ['a separator', 'SEP-UNUSED', { 'tokenizer.ggml.add_sep_token': true }],
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
  ['too few types', 'E_TOKENIZER_LENGTH', { 'tokenizer.ggml.token_type': [1] }],
  ['a flag that is a number', 'E_TOKENIZER_TYPE', { 'tokenizer.ggml.add_bos_token': 1 }],
  ['a template that is a list', 'E_TOKENIZER_TYPE', { 'tokenizer.chat_template': [] }],
])('with %s a model opens for ids, and text is refused by name', (_, code, changes) => {
  const metadata = bpeMetadata([], changes);
  expect(noticesOf(metadata)).toMatchObject([{ code: 'NO-TOKENIZER', severity: 'warning' }]);
  const model = createTextModel(metadata);
  expect(model.decode([3])).toBe('[id 3]');
  expect(() => model.encode('a', TEXT)).toThrow(expect.objectContaining({ code }));
});

test.each([
  ['an unknown pre-tokenizer', 'E_TOKENIZER_PRE', bpeMetadata([], { 'tokenizer.ggml.pre': 'no-such' })],
  ['no list of merges', 'E_TOKENIZER_MERGES', bpeMetadata([], { 'tokenizer.ggml.merges': undefined })],
  [
    'a score that is NaN',
    'E_TOKENIZER_SCORES',
    sentencePieceMetadata([], { 'tokenizer.ggml.scores': Array.from({ length: 259 }, () => Number.NaN) }),
  ],
])('with %s ids have their text, and text is refused by name', (_, code, metadata) => {
  const model = createTextModel(metadata);
  expect(model.decode([0x61 + (model.vocabSize === 259 ? 3 : 0)])).toBe('a');
  expect(() => model.encode('a', TEXT)).toThrow(expect.objectContaining({ code }));
});

test('SentencePiece without scores merges the leftmost pair first, and says so', () => {
  const tokens = ['ab', 'bc'].map((token) => [token, 0] as const);
  const metadata = sentencePieceMetadata(tokens, {
    'tokenizer.ggml.scores': undefined,
    'tokenizer.ggml.add_space_prefix': false,
  });
  expect(noticesOf(metadata).map(({ code }) => code)).toEqual(['SCORES-FALLBACK']);
  expect(createTextModel(metadata).encode('abc', TEXT)).toEqual([259, 0x63 + 3]);
});

test('of tokens that are spelled alike text is the last, a whole control token the first, and ids are themselves', () => {
  const metadata = bpeMetadata(['a b', 'c d', 'e f', 'g h']);
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  const types = metadata.get('tokenizer.ggml.token_type') as number[];
  tokens[257] = 'ab';
  [tokens[258], tokens[259]] = ['<x>', '<x>'];
  [types[258], types[259]] = [3, 3];
  expect(noticesOf(metadata)).toMatchObject([
    {
      code: 'TOKEN-DUPLICATE',
      message: expect.stringContaining('2 tokens are spelled like a later one, the first is 256 "ab"'),
    },
  ]);
  const model = createTextModel(metadata);
  expect(model.encode('ab', TEXT)).toEqual([257]);
  expect(model.encode('<x>', SPECIAL)).toEqual([258]);
  expect(model.decode([256, 257])).toBe('abab');
});

test('tokens are bytes: two that differ only in what is not UTF-8 are two, and halves of a character make one', () => {
  const metadata = bpeMetadata(['a b', 'c d', 'e f']);
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  // FF 61, FE 61, and E6 BC with AD after it for 漢.
  [tokens[256], tokens[257], tokens[258]] = ['\udcffa', '\udcfea', '\udce6\udcbc'];
  expect(noticesOf(metadata)).toEqual([]);
  const model = createTextModel(metadata);
  expect(model.decode([256, 257])).toBe('\ufffda\ufffda');
  expect(model.decode([258, 0xa2])).toBe('漢');
  expect(model.encode('\udcffa', TEXT)).toEqual(bytesOf('\ufffda'));
});

test('a whole token of half a character refuses a text that holds it', () => {
  const metadata = bpeMetadata(['a b']);
  (metadata.get('tokenizer.ggml.tokens') as string[])[256] = '\udce6\udcbc';
  (metadata.get('tokenizer.ggml.token_type') as number[])[256] = 4;
  const model = createTextModel(metadata);
  expect(model.encode('é', TEXT)).toEqual(bytesOf('é'));
  expect(() => model.encode('漢', TEXT)).toThrow(expect.objectContaining({ code: 'E_TEXT_SPLIT' }));
});

test('of a merge that is listed twice the first place counts', () => {
  const merges = ['b c', 'a b', 'ab c'];
  const changes = { 'tokenizer.ggml.merges': ['a b', 'b c', 'a b'] };
  expect(createTextModel(bpeMetadata(merges, changes)).encode('abc', TEXT)).toEqual([257, 0x63]);
});

test('a byte without a token is refused by character and place, unless a merge takes it in', () => {
  const metadata = bpeMetadata(['Ã ©', 'a b']);
  (metadata.get('tokenizer.ggml.tokens') as string[])[0xc3] = 'renamed';
  const model = createTextModel(metadata);
  expect(model.encode('aé', TEXT)).toEqual([0x61, 256]);
  expect(() => model.encode('<|end|>x 漢è', SPECIAL)).toThrow(
    expect.objectContaining({
      code: 'E_TEXT_UNENCODABLE',
      message: expect.stringMatching(/^text, character 11: "è" \(U\+00E8\) has no token/),
    }),
  );
});

test('types that GGUF does not number, and unused ones, write nothing and can be reached', () => {
  const metadata = bpeMetadata(['a b', 'c d', 'e f']);
  const types = metadata.get('tokenizer.ggml.token_type') as number[];
  [types[256], types[257], types[258]] = [5, 257, -1];
  const model = createTextModel(metadata);
  expect(model.encode('abcdef', TEXT)).toEqual([256, 257, 258]);
  expect(model.decode([256, 257, 258, 0x61], { keepSpecial: true })).toBe('a');
});

test('an empty token has a name', () => {
  const metadata = bpeMetadata(['a b']);
  (metadata.get('tokenizer.ggml.tokens') as string[])[256] = '';
  expect(noticesOf(metadata).map(({ code }) => code)).toEqual(['TOKEN-EMPTY']);
  expect(createTextModel(metadata).decode([256])).toBe('[EMPTY_256]');
});

test('the markup of some families is parsed and shown whatever it is marked as, and its end ends nothing', () => {
  const metadata = bpeMetadata(['a b', 'c d', 'e f']);
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  [tokens[256], tokens[257], tokens[258]] = ['<|channel|>', '<|return|>', '<|call|>'];
  const codes = noticesOf(metadata).map(({ code }) => code);
  expect(codes).toEqual(['CONTROL-FALLBACK', 'CONTROL-FALLBACK', 'MARKUP-SHOWN', 'END-EXEMPT']);
  const model = createTextModel(metadata);
  expect(model.encode('<|channel|>', TEXT)).toEqual([256]);
  expect(model.decode([256, 259])).toBe('<|channel|><|end|>');
  expect(model.endIds).toEqual(new Set([257, 258]));
});

test('whole tokens of a Phi-3 take the white space after them', () => {
  const metadata = bpeMetadata([], { 'general.name': 'My Phi-3 mini' });
  expect(createTextModel(metadata).encode('<|end|> \n\v a', SPECIAL)).toEqual([256, 0x61]);
  expect(createTextModel(bpeMetadata()).encode('<|end|> a', SPECIAL)).toEqual([256, 0x20, 0x61]);
});

test('a chat template that is not UTF-8 is refused when it is to be rendered', () => {
  const model = createTextModel(bpeMetadata([], { 'tokenizer.chat_template': 'a\udcff' }));
  expect(() => model.renderChat([], { addGenerationPrompt: true })).toThrow(
    expect.objectContaining({ code: 'E_CHAT_TEMPLATE_UTF8' }),
  );
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

test.each<[string, object, string | null]>([
  ['one template', { 'tokenizer.chat_template': 'A' }, 'A'],
  ['two', { 'tokenizer.chat_template': 'A', 'tokenizer.chat_template.tool_use': 'B' }, 'A'],
  ['one for tools', { 'tokenizer.chat_template.tool_use': 'B' }, 'B'],
  ['one for documents', { 'tokenizer.chat_template.rag': 'B' }, null],
  [
    'the name chatml',
    { 'tokenizer.chat_template': 'chatml' },
    '<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n',
  ],
  ['an empty one', { 'tokenizer.chat_template': '' }, '<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n'],
])('of a GGUF file, llama.cpp takes the template: %s', (_, changes, expected) => {
  const model = createTextModel(bpeMetadata([], { ...changes }));
  expect(model.hasChatTemplate).toBe(expected !== null);
  if (expected === null) return;
  expect(model.renderChat([{ role: 'user', content: 'a' }], { addGenerationPrompt: true })).toBe(expected);
});
