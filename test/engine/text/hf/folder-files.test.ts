// What the files beside a tokenizer.json say of its tokens, and what class Transformers makes of the folder. Expected ids
// are those of Transformers 5.23.
import { describe, expect, it } from 'vitest';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DISK } from '../../../../src/engine/io/disk.ts';
import { BYTE_ALPHABET } from '../../../../src/engine/text/byte-alphabet.ts';
import { createTextModel } from '../../../../src/engine/text/create-text-model.ts';
import { readHfTokenizer } from '../../../../src/engine/text/hf-tokenizer.ts';
import { promptIds } from '../../../../src/engine/text/prompt-ids.ts';
import type { TextModel } from '../../../../src/engine/text/text-model.ts';
import type { Notice } from '../../../../src/notice.ts';
import { temporaryFolder } from '../../../fixtures/temporary-folder.ts';

const folder = join(await temporaryFolder(), 'model');
const added = (content: string, id: number, more: object = {}): object => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...more,
});
const vocab = (tokens: readonly string[]): object => Object.fromEntries(tokens.map((token, id) => [token, id]));
const byteFallback = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
);
const PIECES = ['<unk>', '<s>', '</s>', ...byteFallback, '▁', 'a', 'b', '▁a', '▁▁'];
const piece = (token: string): number => PIECES.indexOf(token);
/** As llama 2 is converted: a normalizer writes the first space. */
const SPACED = {
  added_tokens: [added('<unk>', 0), added('<s>', 1), added('</s>', 2)],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    fuse_unk: true,
    byte_fallback: true,
    vocab: vocab(PIECES),
    merges: ['▁ a', '▁ ▁'],
  },
};
const END = 257;
/** Byte-level, 256 letters, one merge, one whole token. */
const BYTES = {
  added_tokens: [added('<|end|>', END)],
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  model: { type: 'BPE', vocab: vocab([...BYTE_ALPHABET, '12']), merges: ['1 2'] },
};
const byte = (text: string): number[] => [...new TextEncoder().encode(text)];

async function open(
  json: object,
  beside: Record<string, object> = {},
  type = 'llama',
  generation: ReadonlyMap<string, unknown> = new Map(),
): Promise<{ model: TextModel; notices: Notice[] }> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const files = { 'tokenizer.json': { version: '1.0', ...json }, ...beside };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(content));
  const config = new Map<string, unknown>([
    ['model_type', type],
    ['eos_token_id', 4],
  ]);
  const names = await readdir(folder);
  const { keys, tokenizer } = await readHfTokenizer({ files: DISK, folder, names, config, generation });
  const notices: Notice[] = [];
  return { model: createTextModel(keys, (notice) => notices.push(notice), { tokenizer }), notices };
}

function ids(model: TextModel, text: string): number[] {
  return model.encode(text, { parseSpecial: true, addBos: false });
}

describe('tokens that are named beside tokenizer.json', () => {
  const late = { content: '<late>', single_word: false, lstrip: true, rstrip: false, normalized: false, special: true };

  it.each<[string, Record<string, object>, string]>([
    ['added_tokens_decoder', { 'tokenizer_config.json': { added_tokens_decoder: { 258: late } } }, 'x <late>'],
    ['eos_token', { 'tokenizer_config.json': { eos_token: '<late>' } }, 'x<late>'],
    ['a token of its own', { 'tokenizer_config.json': { image_token: '<late>' } }, 'x<late>'],
    ['additional_special_tokens', { 'tokenizer_config.json': { additional_special_tokens: ['<late>'] } }, 'x<late>'],
    ['extra_special_tokens', { 'tokenizer_config.json': { extra_special_tokens: { boi: '<late>' } } }, 'x<late>'],
    ['special_tokens_map.json', { 'special_tokens_map.json': { pad_token: '<late>' } }, 'x<late>'],
    ['added_tokens.json', { 'added_tokens.json': { '<late>': 258 } }, 'x<late>'],
  ])('%s: it is the next token, with a note', async (_, beside, text) => {
    const { model, notices } = await open(BYTES, beside);
    expect(ids(model, text)).toEqual([...byte('x'), 258]);
    expect(model.vocabSize).toBe(259);
    expect(notices).toMatchObject(
      [{ severity: 'note', code: 'TOKEN-ADDED' }, { code: 'EOS-FALLBACK' }].slice(0, notices.length),
    );
    expect(notices[0]?.message).toContain('"<late>"');
  });

  it.each<[object, object, string[]]>([
    [{ extra_special_tokens: ['<a>'], additional_special_tokens: ['<b>'] }, {}, ['<a>']],
    [{ extra_special_tokens: { x_token: '<a>' }, additional_special_tokens: ['<b>'] }, {}, ['<a>', '<b>']],
    [{ additional_special_tokens: ['<a>'] }, { additional_special_tokens: ['<b>'] }, ['<a>']],
    [{ additional_special_tokens: ['<a>'] }, { extra_special_tokens: ['<b>'] }, ['<a>', '<b>']],
    [{}, { additional_special_tokens: ['<b>'] }, ['<b>']],
    [{ pad_token: '<a>' }, { pad_token: '<b>' }, ['<b>']],
  ])('of %j and the map %j', async (settings, map, expected) => {
    const { model } = await open(BYTES, { 'tokenizer_config.json': settings, 'special_tokens_map.json': map });
    expect(Array.from({ length: model.vocabSize - 258 }, (_, i) => model.tokenText(258 + i))).toEqual(expected);
  });

  it('one that is listed as an object is special only where it has a role or says so', async () => {
    const token = { ...late, special: undefined };
    for (const [key, value, shown] of [
      ['pad_token', token, ''],
      ['additional_special_tokens', [token], '<late>'],
    ] as const) {
      const { model } = await open(BYTES, { 'tokenizer_config.json': { [key]: value } });
      expect(model.decode([258])).toBe(shown);
    }
  });

  it('an id that the library does not give is a warning', async () => {
    const { notices } = await open(BYTES, { 'tokenizer_config.json': { added_tokens_decoder: { 300: late } } });
    expect(notices).toContainEqual(expect.objectContaining({ severity: 'warning', code: 'TOKEN-ID' }));
  });

  it('flags of a token that is in both are those of tokenizer_config.json', async () => {
    const end = { ...late, content: '<|end|>', lstrip: false, rstrip: true };
    const { model, notices } = await open(BYTES, { 'tokenizer_config.json': { added_tokens_decoder: { 257: end } } });
    expect(ids(model, '<|end|> a')).toEqual([END, ...byte('a')]);
    expect(notices.map(({ code }) => code)).not.toContain('TOKEN-ADDED');
  });

  it('special_tokens_map.json is not read beside an added_tokens_decoder', async () => {
    const settings = {
      eos_token: '<|end|>',
      added_tokens_decoder: { 257: { ...late, content: '<|end|>', lstrip: false } },
    };
    const beside = { 'tokenizer_config.json': settings, 'special_tokens_map.json': { eos_token: '<late>' } };
    const { model } = await open(BYTES, beside);
    expect([model.eosId, model.vocabSize]).toEqual([END, END + 1]);
  });

  it('a template has the BOS that is named, not the one of the post-processor', async () => {
    const special_tokens = { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } };
    const single = [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
    const post_processor = { type: 'TemplateProcessing', single, pair: [], special_tokens };
    const settings = { chat_template: '[{{ bos_token }}]{{ image_token }}', image_token: '<image>' };
    const { model } = await open({ ...SPACED, post_processor }, { 'tokenizer_config.json': settings });
    expect(model.renderChat([], { addGenerationPrompt: false })).toBe('[]<image>');
  });
});

describe("a class of Transformers' that builds its own parts", () => {
  const llama = { 'tokenizer_config.json': { tokenizer_class: 'LlamaTokenizer' } };
  const prompt = (model: TextModel, text: string): { ids: number[]; notices: Notice[] } =>
    promptIds(model, { given: text, body: text, isChat: false });

  it.each([
    [' a', ['▁', '▁a'], ['▁a']],
    ['</s>a', ['</s>', '▁a'], ['</s>', 'a']],
  ])('tokenizer.json is followed, and other ids of LlamaTokenizer are said: %j', async (text, ours, theirs) => {
    const { model, notices } = await open(SPACED, llama);
    expect(notices).toEqual([]);
    const said = prompt(model, text);
    expect(said.ids).toEqual(ours.map(piece));
    expect(model.rebuilt?.encode(text, true)).toEqual(theirs.map(piece));
    expect(said.notices).toContainEqual(expect.objectContaining({ severity: 'warning', code: 'TOKENIZER-CLASS' }));
  });

  it.each(['a', 'a b  a', 'a</s>'])('nothing is said where they agree: %j', async (text) => {
    const { model } = await open(SPACED, llama);
    expect(prompt(model, text).notices.map(({ code }) => code)).not.toContain('TOKENIZER-CLASS');
  });

  it.each([
    ['llama', 'PreTrainedTokenizerFast'],
    ['mistral', 'LlamaTokenizer'],
    ['phi3', 'LlamaTokenizer'],
    ['llama', 'NoSuchTokenizer'],
  ])('%s with %s is read as tokenizer.json', async (type, tokenizer_class) => {
    const { model, notices } = await open(SPACED, { 'tokenizer_config.json': { tokenizer_class } }, type);
    expect([model.rebuilt, notices]).toEqual([null, []]);
  });

  it('a class that cuts no digits, in spite of the file', async () => {
    const digits = {
      type: 'Sequence',
      pretokenizers: [{ type: 'Digits', individual_digits: true }, BYTES.pre_tokenizer],
    };
    const settings = {
      tokenizer_class: 'GPT2Tokenizer',
      unk_token: '<|end|>',
      bos_token: '<|end|>',
      eos_token: '<|end|>',
    };
    const { model, notices } = await open({ ...BYTES, pre_tokenizer: digits }, { 'tokenizer_config.json': settings });
    expect(notices).toEqual([]);
    expect([ids(model, '12'), model.rebuilt?.encode('12', true)]).toEqual([byte('12'), [256]]);
  });

  it('a decoder of its own, and a class whose parts are not known, are said when the model is opened', async () => {
    const settings = { tokenizer_class: 'LlamaTokenizer', add_prefix_space: false };
    for (const beside of [settings, { tokenizer_class: 'GPTNeoXTokenizer' }]) {
      const { notices } = await open(SPACED, { 'tokenizer_config.json': beside });
      expect(notices).toMatchObject([{ severity: 'note', code: 'TOKENIZER-CLASS' }]);
    }
  });

  it('the parts of a class in another spelling are the same parts', async () => {
    const pre_tokenizer = {
      type: 'Sequence',
      pretokenizers: [{ add_prefix_space: false, type: 'ByteLevel', trim_offsets: false }],
    };
    const settings = {
      tokenizer_class: 'GPT2Tokenizer',
      unk_token: '<|end|>',
      bos_token: '<|end|>',
      eos_token: '<|end|>',
    };
    const { model } = await open({ ...BYTES, pre_tokenizer }, { 'tokenizer_config.json': settings });
    expect(model.rebuilt).toBeNull();
  });
});

describe('what is not followed is named', () => {
  it.each(['fix_mistral_regex'])('%s', async (key) => {
    const { notices } = await open(BYTES, { 'tokenizer_config.json': { [key]: true } });
    const [notice] = notices;
    expect([notice?.code, notice?.message]).toEqual(['TOKENIZER-SETTING', expect.stringContaining(key)]);
  });

  it.each([['vocab.json', 'merges.txt'], ['tokenizer.model'], ['tekken.json']])(
    'a tokenizer in %s without tokenizer.json',
    async (...names) => {
      const of = { files: DISK, folder, names, config: new Map(), generation: new Map() };
      const { keys, tokenizer } = await readHfTokenizer(of);
      const notices: Notice[] = [];
      createTextModel(keys, (notice) => notices.push(notice), { tokenizer });
      expect(notices.map(({ code, message }) => [code, names.every((name) => message.includes(name))])).toEqual([
        ['NO-TOKENIZER', true],
      ]);
    },
  );

  it.each(['a\ufffdb', 'a\ud800b'])('what became U+FFFD: %j', async (text) => {
    const { model } = await open(BYTES);
    const said = promptIds(model, { given: text, body: text, isChat: false }).notices;
    expect(said).toContainEqual(expect.objectContaining({ code: 'TEXT-REPLACED' }));
    expect(promptIds(model, { given: 'é', body: 'é', isChat: false }).notices).toEqual([]);
  });

  it('a key that tokenizer.json does not have', async () => {
    const { notices } = await open({ ...BYTES, sparkle: 1 });
    expect(notices[0]?.message).toContain('"sparkle"');
  });

  it('a token that ends nothing in the file is not made special by its spelling', async () => {
    const json = { ...SPACED, added_tokens: [added('</s>', 2, { special: false })] };
    const { model, notices } = await open(json);
    expect(notices.map(({ code }) => code)).not.toContain('CONTROL-FALLBACK');
    expect(model.endIds.has(2)).toBe(false);
  });
});

it('ends a text at whatever generation_config.json states, and asks config.json where there is none', async () => {
  const stated = new Map([['eos_token_id', [piece('▁a'), 900, -1]]]);
  const { model } = await open(SPACED, {}, 'llama', stated);
  expect([...model.endIds].filter((id) => id !== 2)).toEqual([piece('▁a')]);
  expect((await open(SPACED)).model.endIds.has(4)).toBe(true);
});
