// A tokenizer.json, part by part. Expected ids and texts are those of the `tokenizers` library 0.23.3.
import { describe, expect, it } from 'vitest';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { DISK } from '../../../../src/engine/io/disk.ts';
import { createTextModel } from '../../../../src/engine/text/create-text-model.ts';
import { readHfTokenizer } from '../../../../src/engine/text/hf-tokenizer.ts';
import type { TextModel } from '../../../../src/engine/text/text-model.ts';
import type { RefuteError } from '../../../../src/errors.ts';
import type { Notice } from '../../../../src/notice.ts';
import { refusal } from '../../../fixtures/refusal.ts';
import { temporaryFolder } from '../../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();
const TOKENS = ['<unk>', '<s>', '</s>', '▁', ...Array.from("abistx'ſSé "), '▁a', 'ab', '<0xE2>', '<0x82>', '<0xAC>'];
const idOf = (token: string): number => TOKENS.indexOf(token);
const MODEL = {
  type: 'BPE',
  unk_token: '<unk>',
  byte_fallback: true,
  vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])),
  merges: [
    ['▁', 'a'],
    ['a', 'b'],
  ],
};
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

async function open(parts: object, notices: Notice[] = []): Promise<TextModel> {
  const json = { version: '1.0', added_tokens: [added('<s>', 1), added('</s>', 2)], model: MODEL, ...parts };
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
  const of = { files: DISK, folder, names: ['tokenizer.json'], config: new Map(), generation: new Map() };
  const { keys, tokenizer } = await readHfTokenizer(of);
  return createTextModel(keys, (notice) => notices.push(notice), { tokenizer });
}

function refused(model: TextModel, text: string, code = 'E_TOKENIZER_JSON'): Promise<RefuteError> {
  return refusal(code, () => model.encode(text, { parseSpecial: true, addBos: false }));
}

async function spelled(parts: object, text: string): Promise<string[]> {
  const model = await open(parts);
  return model.encode(text, { parseSpecial: true, addBos: false }).map((id) => TOKENS[id] ?? `[${id}]`);
}

describe('the pre-tokenizer Metaspace', () => {
  const metaspace = (more: object): object => ({ pre_tokenizer: { type: 'Metaspace', replacement: '▁', ...more } });

  it.each<[object, string[]]>([
    [{}, ['▁a', '▁a', 'b', '<s>', '▁', 'b']],
    [{ prepend_scheme: 'first' }, ['▁a', '▁a', 'b', '<s>', 'b']],
    [{ prepend_scheme: 'never' }, ['a', '▁a', 'b', '<s>', 'b']],
    [{ prepend_scheme: 'never', add_prefix_space: false }, ['a', '▁a', 'b', '<s>', 'b']],
    [{ add_prefix_space: true, str_rep: '▁' }, ['▁a', '▁a', 'b', '<s>', '▁', 'b']],
  ])('%j', async (more, expected) => {
    expect(await spelled(metaspace(more), 'a ab<s>b')).toEqual(expected);
  });

  it('merges across words only where it does not split', async () => {
    const model = { ...MODEL, merges: [['a', '▁'], ...MODEL.merges], vocab: { ...MODEL.vocab, 'a▁': 40 } };
    expect(await spelled({ ...metaspace({ split: true }), model }, 'a a')).toEqual(['▁a', '▁a']);
    expect(await spelled({ ...metaspace({ split: false }), model }, 'a a')).toEqual(['▁', '[40]', 'a']);
  });

  it.each([
    [{ add_prefix_space: false }, 'add_prefix_space is false and prepend_scheme is "always"'],
    [{ replacement: '▁▁' }, 'replacement'],
    [{ prepend_scheme: 'sometimes' }, 'prepend_scheme'],
    [{ split: 'yes' }, 'split'],
  ])('is refused by name with %j, and ids still work', async (more, named) => {
    const notices: Notice[] = [];
    const model = await open(metaspace(more), notices);
    expect(notices.map(({ code }) => code)).toContain('NO-TOKENIZER');
    const error = await refused(model, 'a');
    expect(error.message).toContain('pre_tokenizer Metaspace');
    expect(error.message).toContain(named);
    expect(model.decode([7])).toBe('[id 7]');
  });
});

describe('regular expressions', () => {
  const split = (pattern: string): object => ({
    pre_tokenizer: { type: 'Split', pattern: { Regex: pattern }, behavior: 'Removed', invert: false },
  });

  it.each<[string, string, string[]]>([
    ["(?i:'s|'t)", "it'ſx", ['i', 't', 'x']],
    ["(?i:'s|'t)", "i'Sx", ['i', 'x']],
    ['s$', 's\nas\n', ['<unk>', 'a', '<unk>']],
    ['a++a', 'aab', ['a', 'ab']],
    ['[a-t&&[^b]]', 'abs', ['b']],
    ['\\h', 'abx', ['x']],
    ['^', 'ab', ['ab']],
    ['[ab]{1,2}+', 'ababax', ['x']],
  ])('%s on %j', async (pattern, text, expected) => {
    expect(await spelled(split(pattern), text)).toEqual(expected);
  });

  it.each(['(?i:ss)', '(a)\\1', '\\p{Script=Han}', 'a+?*', '(?<=(?>a))b', '(', '\\q'])(
    '%s is refused',
    async (pattern) => {
      const model = await open(split(pattern));
      const error = await refused(model, 'a');
      expect(error.message).toContain('pre_tokenizer Split');
    },
  );
});

describe('the post-processor', () => {
  const sequence = { Sequence: { id: 'A', type_id: 0 } };
  const special = (id: string): object => ({ SpecialToken: { id, type_id: 0 } });
  const template = (single: object[]): object => ({
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [],
      special_tokens: Object.fromEntries(
        ['<s>', '</s>'].map((token, i) => [token, { id: token, ids: [i + 1], tokens: [token] }]),
      ),
    },
  });

  it('says what stands before a text and behind it', async () => {
    const model = await open(template([special('<s>'), special('<s>'), sequence, special('</s>')]));
    expect(model.frame).toEqual({ before: [1, 1], after: [2] });
    expect([model.bosId, model.wantsBos]).toEqual([1, true]);
    const bare = await open(template([sequence]));
    expect(bare.frame).toEqual({ before: [], after: [] });
    expect(bare.wantsBos).toBe(false);
  });

  it('of two parts that add tokens is refused', async () => {
    const { post_processor: one } = template([special('<s>'), sequence]) as { post_processor: object };
    const model = await open({ post_processor: { type: 'Sequence', processors: [one, one] } });
    const error = await refused(model, 'a');
    expect(error.message).toContain('post_processor Sequence');
  });
});

describe('the decoder', () => {
  const LLAMA = {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  };
  const ids = [1, idOf('▁a'), idOf('b'), idOf('<0xE2>'), idOf('<0x82>'), idOf('<0xAC>'), idOf('<0x82>'), idOf('▁a')];

  it.each<[object | null, string]>([
    [null, '▁a b <0xE2> <0x82> <0xAC> <0x82> ▁a'],
    [{ type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true }, 'ab<0xE2><0x82><0xAC><0x82> a'],
    [{ type: 'Metaspace', replacement: '▁', prepend_scheme: 'never', split: true }, ' ab<0xE2><0x82><0xAC><0x82> a'],
    [LLAMA, 'ab\ufffd\ufffd\ufffd\ufffd a'],
  ])('%j', async (decoder, text) => {
    expect((await open({ decoder })).decode(ids)).toBe(text);
  });

  it('gives one token at a time what it gives at once, and goes on in the middle of a text', async () => {
    for (const decoder of [null, LLAMA, { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true }]) {
      const model = await open({ decoder });
      fc.assert(
        fc.property(fc.array(fc.nat(TOKENS.length - 1)), (list) => {
          const stream = model.openStream([]);
          expect(list.map((id) => stream.push(id)).join('') + stream.end()).toBe(model.decode(list));
        }),
      );
    }
    const rest = (await open({ decoder: LLAMA })).openStream([idOf('b')]);
    expect(rest.push(idOf('▁a')) + rest.end()).toBe(' a');
  });
});

describe('what is never done in silence', () => {
  it('a character without a token is named', async () => {
    const { unk_token: _, ...model } = MODEL;
    const opened = await open({ model });
    const error = await refused(opened, 'a漢', 'E_TEXT_UNENCODABLE');
    expect(error.message).toContain('U+6F22');
  });

  it('a whole token has the id that the library gives it, whatever the file says', async () => {
    const notices: Notice[] = [];
    const model = await open({ added_tokens: [added('<new>', 700)] }, notices);
    expect(model.encode('<new>', { parseSpecial: true, addBos: false })).toEqual([TOKENS.length]);
    expect(notices.map(({ code }) => code)).toContain('TOKEN-ID');
  });

  it('a vocabulary of another kind has ids and no text', async () => {
    const model = await open({ model: { type: 'Unigram', vocab: [['a', 0]], unk_id: 0 } });
    expect((await refused(model, 'a')).message).toContain('model Unigram');
  });

  it('a long text without a space takes a moment, not minutes', async () => {
    const model = await open({});
    expect(model.encode('ab'.repeat(100_000), { parseSpecial: true, addBos: false })).toHaveLength(100_000);
  });
});
