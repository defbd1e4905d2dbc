// Folders of Transformers that say two things: a tied head that is stored, a tensor in two files, an index beside the
// file that needs none; and messages that call a tensor what its file calls it.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { parseSafetensors } from '../../../src/engine/formats/safetensors.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import type { Model } from '../../../src/engine/model/model.ts';
import { openModel, openModelSource } from '../../../src/engine/model/open-model.ts';
import { encodeGguf } from '../../fixtures/gguf.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { safetensorsOf } from '../../fixtures/safetensors.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { tinyImage } from '../../fixtures/tiny-model.ts';

const hf = fileURLToPath(new URL('../../../models/tiny/llama/hf/', import.meta.url));
const scratch = await temporaryFolder();
let folderCount = 0;

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';

interface Stored {
  dtype: string;
  shape: readonly number[];
  data: Uint8Array;
}
type Tensors = Record<string, Stored>;

const file = await readFile(join(hf, 'model.safetensors'));
const parsed = await parseSafetensors(new MemoryByteSource(file, 'model.safetensors'));
const tensors: Tensors = Object.fromEntries(
  parsed.tensors.map(({ name, typeLabel, shape, byteOffset, byteLength }) => [
    name,
    { dtype: typeLabel.toUpperCase(), shape, data: file.subarray(byteOffset, byteOffset + byteLength) },
  ]),
);
const embedding = tensors[EMBEDDING] as Stored;

function without(name: string, from = tensors): Tensors {
  return Object.fromEntries(Object.entries(from).filter(([each]) => each !== name));
}

/** The value at `index` replaced. */
function changed(stored: Stored, index: number, value: number): Stored {
  const data = Uint8Array.from(stored.data);
  new DataView(data.buffer).setFloat16(2 * index, value, true);
  return { ...stored, data };
}

function widened({ shape, data }: Stored): Stored {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const values = Float32Array.from({ length: data.byteLength / 2 }, (_, i) => view.getFloat16(2 * i, true));
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer) };
}

/** A folder with these files; config.json with these changes. */
async function folderOf(
  files: Record<string, Tensors | string>,
  config: Record<string, unknown> = {},
): Promise<string> {
  const folder = join(scratch, String(folderCount++));
  await mkdir(folder);
  const stated = JSON.parse(await readFile(join(hf, 'config.json'), 'utf8')) as object;
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...stated, ...config }));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof content === 'string' ? content : safetensorsOf(content));
  }
  return folder;
}

const open = async (held: Tensors, config: Record<string, unknown> = { tie_word_embeddings: true }): Promise<Model> =>
  openModel(await folderOf({ 'model.safetensors': held }, config));

const codesOf = ({ notices }: Model): string[] => notices.map(({ code }) => code);
const headOf = ({ program }: Model): string | undefined => program.weights.at(-1)?.name;

async function bytesOf({ weights }: Model, name: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(weights.info(name)?.byteLength ?? 0);
  await weights.read(name, 0, bytes);
  return bytes;
}

describe('a tied model', () => {
  const last = embedding.data.byteLength / 2 - 1;
  it.each<[string, Tensors]>([
    ['another head', tensors],
    ['a head that differs in its last value', { ...tensors, [HEAD]: changed(embedding, last, 9) }],
    ['a head of another type that differs', { ...tensors, [HEAD]: widened(changed(embedding, 5, 9)) }],
    ['a head that is NaN where the embedding is not', { ...tensors, [HEAD]: changed(embedding, 7, Number.NaN) }],
  ])('uses %s as it is stored, and says so', async (_, held) => {
    const model = await open(held);
    expect(model.config.isTied).toBe(false);
    expect(model.config.provenance.isTied.source).toBe('tensor');
    const notice = model.notices.find(({ code }) => code === 'HEAD-NOT-TIED');
    expect(notice?.severity).toBe('warning');
    expect(notice?.message).toContain(`"${HEAD}" differs from "${EMBEDDING}"`);
    expect(await bytesOf(model, 'output.weight')).toEqual(Uint8Array.from(held[HEAD]?.data ?? []));
    await model.close();
  });

  it.each<[string, Tensors]>([
    ['no head', without(HEAD)],
    ['an equal copy', { ...tensors, [HEAD]: embedding }],
    ['an equal copy of another type', { ...tensors, [HEAD]: widened(embedding) }],
    ['a copy with -0 for 0', { ...tensors, [EMBEDDING]: changed(embedding, 3, 0), [HEAD]: changed(embedding, 3, -0) }],
  ])('is tied in silence with %s', async (_, held) => {
    const model = await open(held);
    expect(model.config.isTied).toBe(true);
    expect(headOf(model)).not.toBe('output.weight');
    expect(codesOf(model).filter((code) => code !== 'NO-TOKENIZER')).toEqual([]);
    await model.close();
  });

  it('takes the head for the embedding where only that is stored', async () => {
    const model = await open(without(EMBEDDING));
    expect(codesOf(model)).toContain('TIED-EMBEDDING');
    expect(await bytesOf(model, 'token_embd.weight')).toEqual(Uint8Array.from(tensors[HEAD]?.data ?? []));
    expect(model.embedding?.name).toBe(HEAD);
    await model.close();
  });

  it('is refused with a head of another shape, by the names of the file', async () => {
    const { shape, data } = embedding;
    const short = { dtype: 'F16', shape: [(shape[0] ?? 0) - 1, shape[1] ?? 0], data: data.subarray(96) };
    const error = await refusal('E_MODEL_SHAPE', () => open({ ...tensors, [HEAD]: short }));
    expect(error.message).toContain(`"${HEAD}" has shape [79, 48] and "${EMBEDDING}" [80, 48]`);
  });

  it('is not made of a model that is not tied: a missing head is named', async () => {
    const error = await refusal('E_MODEL_TENSOR_MISSING', () => open(without(HEAD), { tie_word_embeddings: false }));
    expect(error.message).toContain(`"${HEAD}"`);
  });

  it('has no head in a gemma2 GGUF file, which llama.cpp refuses with one', async () => {
    const path = fileURLToPath(new URL('../../../models/tiny/gemma2/model.gguf', import.meta.url));
    await (await openModel(path)).close();
    const image = tinyImage();
    const entries = image.entries.map((entry) =>
      entry.key === 'general.architecture'
        ? { ...entry, value: 'gemma2' }
        : { ...entry, key: entry.key.replace(/^llama\./, 'gemma2.') },
    );
    const norms = [0, 1].flatMap((layer) =>
      ['post_attention_norm', 'post_ffw_norm'].map((part) => ({
        name: `blk.${layer}.${part}.weight`,
        type: 'f32' as const,
        shape: [32],
        data: new Uint8Array(new Float32Array(32).fill(1).buffer),
      })),
    );
    const gemma2 = encodeGguf({ entries, tensors: [...image.tensors, ...norms] });
    const error = await refusal('E_MODEL_UNREAD_TENSOR', () => openModelSource(new MemoryByteSource(gemma2)));
    expect(error.message).toContain('"output.weight"');
  });
});

describe('files of one folder', () => {
  const names = Object.keys(tensors);
  const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const part = (own: readonly string[]): Tensors =>
    Object.fromEntries(Object.entries(tensors).filter(([name]) => own.includes(name)));
  const [a, b] = [names.slice(0, 8), names.slice(8)];
  const map = Object.fromEntries(names.map((name) => [name, a.includes(name) ? first : second]));
  const indexOf = (weight_map: Record<string, string>): string => JSON.stringify({ metadata: {}, weight_map });
  const stale = changed(tensors[HEAD] as Stored, 0, 9);

  it.each([
    ['a later', { [first]: part(a), [second]: { ...part(b), [HEAD]: stale } }, map],
    [
      'an earlier',
      { [first]: { ...part(b), [HEAD]: stale }, [second]: part(a) },
      Object.fromEntries(names.map((name) => [name, a.includes(name) ? second : first])),
    ],
  ])('a stale copy in %s one is not read, and named', async (_, files, weightMap) => {
    const model = await openModel(await folderOf({ ...files, 'model.safetensors.index.json': indexOf(weightMap) }));
    expect(await bytesOf(model, 'output.weight')).toEqual(Uint8Array.from(tensors[HEAD]?.data ?? []));
    const notice = model.notices.find(({ code }) => code === 'SAFETENSORS-STALE');
    expect(notice?.severity).toBe('warning');
    expect(notice?.message).toContain(`"${HEAD}"`);
    await model.close();
  });

  it('a copy that no index decides about is refused', async () => {
    const files = { [first]: part(a), [second]: { ...part(b), [HEAD]: stale } };
    await refusal('E_SAFETENSORS_SHARD_DUPLICATE', async () => openModel(await folderOf(files)));
    const unlisted = indexOf(Object.fromEntries(Object.entries(map).filter(([name]) => name !== HEAD)));
    const folder = await folderOf({ ...files, 'model.safetensors.index.json': unlisted });
    await refusal('E_SAFETENSORS_SHARD_DUPLICATE', () => openModel(folder));
  });

  it('a tensor in another file than the index says is refused, and both are named', async () => {
    const index = indexOf({ ...map, [HEAD]: second });
    const folder = await folderOf({ [first]: part(a), [second]: part(b), 'model.safetensors.index.json': index });
    const error = await refusal('E_SAFETENSORS_INDEX_TENSOR', () => openModel(folder));
    expect(error.message).toContain(`"${HEAD}" is said to be in "${second}", and it is in "${first}"`);
  });

  it('model.safetensors goes before an index of other files, with a warning', async () => {
    const others = { [first]: part(a), [second]: part(b), 'model.safetensors.index.json': indexOf(map) };
    const model = await openModel(await folderOf({ ...others, 'model.safetensors': { ...tensors, [HEAD]: stale } }));
    expect(await bytesOf(model, 'output.weight')).toEqual(Uint8Array.from(stale.data));
    expect(codesOf(model)).toContain('FOLDER-CHOICE');
    await model.close();
  });

  it('that config.json names is the one that is read', async () => {
    const files = { 'w.safetensors': { ...tensors, [HEAD]: stale }, 'model.safetensors': tensors };
    const model = await openModel(await folderOf(files, { transformers_weights: 'w.safetensors' }));
    expect(await bytesOf(model, 'output.weight')).toEqual(Uint8Array.from(stale.data));
    await model.close();
    const away = await folderOf(files, { transformers_weights: '../w.safetensors' });
    await refusal('E_SAFETENSORS_INDEX_PATH', () => openModel(away));
    const number = await folderOf(files, { transformers_weights: 5 });
    await refusal('E_SAFETENSORS_INDEX_PATH', () => openModel(number));
    const asked = await openModel(
      join(await folderOf(files, { transformers_weights: 'w.safetensors' }), 'model.safetensors'),
    );
    expect(await bytesOf(asked, 'output.weight')).toEqual(Uint8Array.from(tensors[HEAD]?.data ?? []));
    await asked.close();
  });

  it('stand for each other where they are parts of one model', async () => {
    for (const index of [{ 'model.safetensors.index.json': indexOf(map) }, {}]) {
      const folder = await folderOf({ [first]: part(a), [second]: part(b), ...index });
      for (const name of [first, second]) {
        const model = await openModel(join(folder, name));
        expect(model.tensors.length).toBe(names.length);
        await model.close();
      }
    }
  });

  it('that the index does not name stand for themselves', async () => {
    const files = { [first]: part(a), [second]: part(b), 'model.safetensors.index.json': indexOf(map) };
    const other = 'model-00001-of-00001.safetensors';
    const folder = await folderOf({ ...files, [other]: { ...tensors, [HEAD]: stale }, 'model.safetensors': tensors });
    const model = await openModel(join(folder, other));
    expect(await bytesOf(model, 'output.weight')).toEqual(Uint8Array.from(stale.data));
    await model.close();
    const named = await openModel(join(folder, second));
    expect(named.tensors.map(({ file }) => file)).toContain(first);
    await named.close();
  });

  it('beside the model, weights and adapters are named', async () => {
    const beside = {
      'consolidated.safetensors': tensors,
      'adapter_model.safetensors': {},
      'adapter_config.json': '{}',
    };
    const model = await openModel(await folderOf({ 'model.safetensors': tensors, ...beside }));
    const messages = model.notices.map(({ code, message }) => `${code} ${message}`);
    expect(messages).toContainEqual(expect.stringMatching(/^FOLDER-CHOICE .*"consolidated.safetensors"/));
    expect(messages).toContainEqual(expect.stringMatching(/^FOLDER-ADAPTER .*"adapter_model.safetensors"/));
    await model.close();
    const only = await folderOf({ 'pytorch_model.bin': 'x' });
    expect((await refusal('E_FOLDER_NO_MODEL', () => openModel(only))).message).toContain('"pytorch_model.bin"');
  });
});

test('a text file that a download put something else in is called what it is', async () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n';
  for (const name of ['config.json', 'tokenizer.json', 'model.safetensors.index.json']) {
    for (const [text, says] of [
      [pointer, 'Git LFS pointer'],
      ['\n<!DOCTYPE html><html></html>', 'web page'],
    ] as const) {
      const folder = await folderOf({ 'model.safetensors': tensors, [name]: text });
      const opened = await refusal('E_FORMAT', () => openModel(folder));
      expect(opened.message).toContain(`${name}: this is a ${says}`);
    }
  }
});

test('hidden files that macOS leaves beside a model are no models', async () => {
  const fork = '\0\x05\x16\x07';
  const folder = await folderOf({ '._model.safetensors': fork, 'model.safetensors': tensors });
  const model = await openModel(folder);
  expect(model.notices.map(({ code }) => code)).toEqual(['NO-TOKENIZER']);
  await model.close();
  const other = join(scratch, String(folderCount++));
  await mkdir(other);
  await writeFile(join(other, '._tiny.gguf'), fork);
  await writeFile(join(other, 'tiny.gguf'), encodeGguf(tinyImage()));
  await (await openModel(other)).close();
});

test('a dtype in lower case is none, and is not shown as the one it is not', async () => {
  const folder = await folderOf({ 'model.safetensors': { ...tensors, [EMBEDDING]: { ...embedding, dtype: 'f16' } } });
  expect((await refusal('E_TENSOR_TYPE', () => openModel(folder))).message).toContain('stored as "f16"');
});

describe('names', () => {
  it('of GGUF in a folder of Transformers are no names of its tensors', async () => {
    const { data } = embedding;
    const held = { ...without(HEAD), 'output.weight': { ...embedding, data: data.toReversed() } };
    const missing = await refusal('E_MODEL_TENSOR_MISSING', () => open(held, { tie_word_embeddings: false }));
    expect(missing.message).toContain(`"${HEAD}"`);
    const model = await open(held);
    expect(model.config.isTied).toBe(true);
    const unread = model.notices.find(({ code }) => code === 'TENSOR-UNREAD');
    expect(unread?.message).toContain('"output.weight"');
    await model.close();
  });

  it('without the prefix of the whole model are read as Transformers reads them', async () => {
    const bare = Object.fromEntries(Object.entries(tensors).map(([name, of]) => [name.replace(/^model\./, ''), of]));
    const [model, plain] = [await open(bare, {}), await open(tensors, {})];
    expect(await bytesOf(model, 'blk.1.ffn_up.weight')).toEqual(await bytesOf(plain, 'blk.1.ffn_up.weight'));
    await Promise.all([model.close(), plain.close()]);
    await refusal('E_SAFETENSORS_NAME', () => open({ ...tensors, 'embed_tokens.weight': embedding }, {}));
  });

  it('with one prefix too many likewise, and with another one are refused by name', async () => {
    const renamed = (of: (name: string) => string): Tensors =>
      Object.fromEntries(Object.entries(tensors).map(([name, stored]) => [of(name), stored]));
    const [model, plain] = [
      await open(
        renamed((name) => `model.${name}`),
        {},
      ),
      await open(tensors, {}),
    ];
    for (const name of ['blk.1.ffn_up.weight', 'output.weight']) {
      expect(await bytesOf(model, name)).toEqual(await bytesOf(plain, name));
    }
    await Promise.all([model.close(), plain.close()]);
    const compiled = renamed((name) => `_orig_mod.${name}`);
    const error = await refusal('E_MODEL_TENSOR_MISSING', () => open(compiled, {}));
    expect(error.message).toContain(`There is "_orig_mod.${EMBEDDING}"`);
  });

  it('of tables of rotation, which older files have, are passed over; those of parts for images are noted', async () => {
    const table = { dtype: 'F32', shape: [8], data: new Uint8Array(32) };
    const model = await open({ ...tensors, 'model.layers.0.self_attn.rotary_emb.inv_freq': table }, {});
    expect(model.notices.map(({ code }) => code)).toEqual(['NO-TOKENIZER']);
    await model.close();
    const image = await open({ ...tensors, 'vision_tower.conv.weight': table }, {});
    expect(image.notices.map(({ code }) => code)).toContain('TENSOR-BESIDE-TEXT');
    await image.close();
  });

  it('in messages are those of the file', async () => {
    const q = 'model.layers.1.self_attn.q_proj.weight';
    const missing = await refusal('E_MODEL_TENSOR_MISSING', () => open(without(q), {}));
    expect(missing.message).toContain(`"${q}"`);
    const shape = await refusal('E_MODEL_SHAPE', () => open({ ...tensors, [q]: embedding }, {}));
    expect(shape.message).toContain(`"${q}"`);
    const k = without('model.layers.0.self_attn.k_proj.weight');
    const heads = await refusal('E_CONFIG_MISSING_KEY', () => open(k, { num_key_value_heads: undefined }));
    expect(heads.message).toContain('num_key_value_heads');
  });

  it('of a model of which text is a part, and of fused matrices, likewise', async () => {
    for (const [of, name, stored] of [
      ['gemma3-multimodal', 'blk.0.attn_q.weight', 'model.language_model.layers.0.self_attn.q_proj.weight'],
      ['phi3', 'blk.1.ffn_up.weight', 'model.layers.1.mlp.gate_up_proj.weight'],
      ['qwen3moe', 'blk.0.ffn_up_exps.weight', 'model.layers.0.mlp.experts.0.up_proj.weight'],
    ] as const) {
      const folder = fileURLToPath(new URL(`../../../models/tiny/${of}/hf/`, import.meta.url));
      const bytes = await readFile(join(folder, 'model.safetensors'));
      const listed = await parseSafetensors(new MemoryByteSource(bytes, 'model.safetensors'));
      const prefix = listed.tensors.some(({ name: each }) => each.startsWith('language_model.'))
        ? 'language_model.model.'
        : 'model.language_model.';
      const wanted = stored.replace('model.language_model.', prefix);
      const pattern = of === 'qwen3moe' ? /\.0\.mlp\.experts\.\d+\.up_proj\.weight$/ : null;
      const kept = listed.tensors.filter(({ name: each }) =>
        pattern === null ? each !== wanted : !pattern.test(each),
      );
      expect(kept.length, wanted).toBeLessThan(listed.tensors.length);
      const copy = join(scratch, String(folderCount++));
      await mkdir(copy);
      await cp(join(folder, 'config.json'), join(copy, 'config.json'));
      const held = kept.map(({ name: each, typeLabel, shape, byteOffset, byteLength }) => [
        each,
        { dtype: typeLabel.toUpperCase(), shape, data: bytes.subarray(byteOffset, byteOffset + byteLength) },
      ]);
      await writeFile(join(copy, 'model.safetensors'), safetensorsOf(Object.fromEntries(held) as Tensors));
      const error = await refusal('E_MODEL_TENSOR_MISSING', () => openModel(copy));
      expect(error.message, name).toContain(`"${wanted}"`);
    }
  });
});
