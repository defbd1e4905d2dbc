// The files beside tokenizer.json. Expected texts and ids are those of AutoTokenizer in Transformers 5.23.
import { describe, expect, it } from 'vitest';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DISK } from '../../../../src/engine/io/disk.ts';
import { createTextModel } from '../../../../src/engine/text/create-text-model.ts';
import { readHfTokenizer } from '../../../../src/engine/text/hf-tokenizer.ts';
import type { TextModel } from '../../../../src/engine/text/text-model.ts';
import type { Notice } from '../../../../src/notice.ts';
import { refusal } from '../../../fixtures/refusal.ts';
import { temporaryFolder } from '../../../fixtures/temporary-folder.ts';

const root = await temporaryFolder();
let folders = 0;
const token = (content: string, more: object = {}): object => ({
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...more,
});
const TOKENIZER = {
  version: '1.0',
  added_tokens: [
    { id: 4, ...token('<s>') },
    { id: 5, ...token('</s>') },
  ],
  model: { type: 'BPE', vocab: { a: 0, b: 1, Ġ: 2, z: 3 }, merges: [] },
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
};

interface Folder {
  settings?: object;
  files?: Record<string, string>;
  config?: [string, unknown][];
  notices?: Notice[];
}

async function open({ settings = {}, files = {}, config = [], notices = [] }: Folder): Promise<TextModel> {
  folders += 1;
  const folder = join(root, String(folders));
  const all: Record<string, string> = {
    'tokenizer.json': JSON.stringify(TOKENIZER),
    'tokenizer_config.json': JSON.stringify(settings),
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const names = [...new Set(Object.keys(all).map((name) => name.split('/')[0] ?? ''))];
  const of = { files: DISK, folder, names, config: new Map(config), generation: new Map() };
  const { keys, tokenizer } = await readHfTokenizer(of);
  return createTextModel(keys, (notice) => notices.push(notice), { tokenizer });
}

const render = (model: TextModel): string =>
  model.renderChat([{ role: 'user', content: 'a' }], { addGenerationPrompt: true });
const one = (name: string, template: string): object => ({ name, template });

describe('the template of a folder', () => {
  const more = 'additional_chat_templates';
  it.each<[Folder, string]>([
    [{ settings: { chat_template: [one('tool_use', 'A'), one('default', 'B')] } }, 'B'],
    [{ settings: { chat_template: [one('default', 'A'), one('default', 'B')] } }, 'B'],
    [{ settings: { chat_template: { tool_use: 'A', default: 'B' } } }, 'B'],
    [{ settings: { chat_template: 'A' }, files: { [`${more}/default.jinja`]: 'B' } }, 'B'],
    [{ files: { 'chat_template.jinja': 'A', [`${more}/default.jinja`]: 'B' } }, 'B'],
    [{ files: { 'chat_template.jinja': 'A', [`${more}/rag.jinja`]: 'B' } }, 'A'],
    [{ files: { 'chat_template.jinja': '\ufeffA' } }, '\ufeffA'],
  ])('%j', async (folder, expected) => {
    expect(render(await open(folder))).toBe(expected);
  });

  it.each<[Folder, string]>([
    [{ settings: { chat_template: [one('tool_use', 'A'), one('rag', 'B')] } }, 'tool_use, rag'],
    [{ settings: { chat_template: { content: 'A' } } }, 'content'],
    [{ settings: { chat_template: {} } }, 'there is no template'],
    [{ settings: { chat_template: 5 } }, 'it is 5'],
    [{ settings: { chat_template: 'A' }, files: { [`${more}/rag.jinja`]: 'B' } }, 'rag'],
  ])('%j is refused where it is asked for', async (folder, named) => {
    const model = await open(folder);
    expect(model.hasChatTemplate).toBe(true);
    expect((await refusal('E_CHAT_TEMPLATE', () => render(model))).message).toContain(named);
  });

  it('is not that of a processor, with a warning', async () => {
    const notices: Notice[] = [];
    const model = await open({ files: { 'chat_template.json': '{"chat_template": "A"}' }, notices });
    expect(model.hasChatTemplate).toBe(false);
    expect(notices.map(({ code }) => code)).toEqual(['TEMPLATE-BESIDE']);
  });
});

describe('what a template may name', () => {
  const NAMES = ['bos', 'eos', 'unk', 'pad', 'image'].map((name) => `{{ ${name}_token }}`).join('|');
  const NAMELESS = { chat_template: NAMES, bos_token: null, eos_token: null, unk_token: null, pad_token: null };
  const none = { chat_template: NAMES };
  const map = { 'special_tokens_map.json': JSON.stringify({ bos_token: '<s>', eos_token: token('</s>') }) };
  const typed = (type: string): [string, unknown][] => [['model_type', type]];
  it.each<[string, Folder, string]>([
    ['nothing', { settings: none }, '||||'],
    ['an unknown spelling', { settings: { ...none, bos_token: '<new>' } }, '<new>||||'],
    ['an object', { settings: { ...none, eos_token: { __type: 'AddedToken', ...token('</s>') } } }, '|</s>|||'],
    ['a name of its own', { settings: { ...none, image_token: '<s>' } }, '||||<s>'],
    ['extra names', { settings: { ...none, extra_special_tokens: { image_token: '<s>' } } }, '||||<s>'],
    ['the older map', { settings: { ...none, bos_token: 'b' }, files: map }, '<s>|</s>|||'],
    ['no older map', { settings: { ...none, bos_token: 'b', added_tokens_decoder: {} }, files: map }, 'b||||'],
    ['a class', { settings: { ...none, tokenizer_class: 'GPT2Tokenizer' } }, `${'<|endoftext|>|'.repeat(3)}|`],
    ['a type', { settings: none, config: typed('qwen3') }, `|${'<|endoftext|>|'.repeat(3)}`],
    ['null', { settings: NAMELESS, config: typed('qwen3') }, '||||'],
    ['a wrong class', { settings: { ...none, tokenizer_class: 'LlamaTokenizer' } }, '||||'],
    [
      'a plain class',
      { settings: { ...none, tokenizer_class: 'PreTrainedTokenizerFast' }, config: typed('qwen3') },
      '||||',
    ],
    [
      'a distrusted class',
      { settings: { ...none, tokenizer_class: 'PreTrainedTokenizerFast' }, config: typed('qwen2') },
      `|${'<|endoftext|>|'.repeat(3)}`,
    ],
  ])('%s', async (_, folder, expected) => {
    expect(render(await open(folder))).toBe(expected);
  });

  it('is a text or a token', async () => {
    const error = await refusal('E_TOKENIZER_JSON', () => open({ settings: { eos_token: ['</s>'] } }));
    expect(error.message).toContain('eos_token is ["</s>"]');
    await refusal('E_TOKENIZER_JSON', () => open({ settings: { extra_special_tokens: { messages: 'a' } } }));
  });
});

describe('whole tokens that only other files name', () => {
  const ids = (model: TextModel, text: string): number[] => model.encode(text, { parseSpecial: true, addBos: false });
  it.each<[Folder, string, number[]]>([
    [{ settings: { added_tokens_decoder: { 6: token('<new>') } } }, 'a<new>b', [0, 6, 1]],
    [{ settings: { added_tokens_decoder: { 4: token('<s>', { rstrip: true }) } } }, '<s> a', [4, 0]],
    [{ settings: { bos_token: '<new>', pad_token: 'ab' } }, '<new>ab', [6, 7]],
    [{ settings: { bos_token: 'b' } }, 'ab', [0, 1]],
    [{ settings: { additional_special_tokens: ['</s>', 'zz'] } }, 'zz</s>', [6, 5]],
    [{ settings: { extra_special_tokens: ['zz'] } }, 'azz', [0, 6]],
    [{ settings: { extra_special_tokens: { x: '<s>' }, additional_special_tokens: ['zz'] } }, 'azz', [0, 6]],
    [{ settings: { extra_special_tokens: ['ab'], additional_special_tokens: ['zz'] } }, 'abzz', [6, 3, 3]],
    [{ files: { 'added_tokens.json': '{"<new>": 6}' } }, '<new>', [6]],
  ])('%j', async (folder, text, expected) => {
    expect(ids(await open(folder), text)).toEqual(expected);
  });

  it('are text where special tokens are split', async () => {
    const bytes = { ...TOKENIZER.model.vocab, '<': 6, s: 7, '>': 8 };
    const json = JSON.stringify({ ...TOKENIZER, model: { ...TOKENIZER.model, vocab: bytes } });
    const model = await open({ settings: { split_special_tokens: true }, files: { 'tokenizer.json': json } });
    expect(ids(model, 'a<s>')).toEqual([0, 6, 7, 8]);
  });

  it('are said', async () => {
    const notices: Notice[] = [];
    await open({ settings: { bos_token: '<s>', pad_token: '<pad>' }, notices });
    expect(notices.map(({ code, message }) => [code, message.includes('"<pad>"')])).toEqual([['TOKEN-ADDED', true]]);
  });
});
