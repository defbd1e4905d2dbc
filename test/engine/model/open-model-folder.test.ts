// Models that are folders: config.json, safetensors in one file or several, the tokenizer's files.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import { parseSafetensors } from '../../../src/engine/formats/safetensors.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import type { Model } from '../../../src/engine/model/model.ts';
import { openModel } from '../../../src/engine/model/open-model.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { safetensorsOf } from '../../fixtures/safetensors.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const bundled = fileURLToPath(new URL('../../../models/sums-2m/', import.meta.url));
const hf = join(bundled, 'hf');
const scratch = await temporaryFolder();
let folderCount = 0;

/** A copy of the bundled folder, changed. */
async function copyOf(changes: Record<string, string | Uint8Array | null> = {}): Promise<string> {
  const folder = join(scratch, String(folderCount++));
  await mkdir(folder);
  const names = [
    'config.json',
    'generation_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'model.safetensors',
  ];
  for (const name of names) if (!(name in changes)) await cp(join(hf, name), join(folder, name));
  for (const [name, content] of Object.entries(changes))
    if (content !== null) await writeFile(join(folder, name), content);
  return folder;
}

async function configWith(changes: Record<string, unknown>): Promise<string> {
  const config = JSON.parse(await readFile(join(hf, 'config.json'), 'utf8')) as object;
  return JSON.stringify({ ...config, ...changes });
}

async function tensorsOfBundled() {
  const bytes = await readFile(join(hf, 'model.safetensors'));
  const { tensors } = await parseSafetensors(new MemoryByteSource(bytes, 'model.safetensors'));
  return tensors.map(({ name, typeLabel, shape, byteOffset, byteLength }) => ({
    name,
    dtype: typeLabel.toUpperCase(),
    shape,
    data: bytes.subarray(byteOffset, byteOffset + byteLength),
  }));
}

async function logitsOf(model: Model, tokens: readonly number[]): Promise<Float32Array> {
  const executor = await openCpuExecutor(model.program, model.weights);
  const session = await executor.openSession(64);
  const { logits } = await session.run({ tokens, logits: 'all' });
  await executor.close();
  await model.close();
  return logits;
}

const TOKENS = [766, 266, 198, 272, 269, 220, 17, 10, 17];

describe('a folder of safetensors', () => {
  it('gives the logits of the F16 GGUF file bit for bit, whole and in shards', async () => {
    const expected = await logitsOf(await openModel(join(bundled, 'sums-2m.f16.gguf')), TOKENS);
    expect(await logitsOf(await openModel(hf), TOKENS)).toEqual(expected);
    expect(await logitsOf(await openModel(join(hf, 'model.safetensors')), TOKENS)).toEqual(expected);
    const tensors = await tensorsOfBundled();
    const halves = [tensors.slice(0, 20), tensors.slice(20)];
    const shards: Record<string, Uint8Array | null> = { 'model.safetensors': null };
    const weight_map: Record<string, string> = {};
    for (const [i, half] of halves.entries()) {
      const name = `model-0000${i + 1}-of-00002.safetensors`;
      shards[name] = safetensorsOf(Object.fromEntries(half.map(({ name: tensor, ...rest }) => [tensor, rest])));
      for (const { name: tensor } of half) weight_map[tensor] = name;
    }
    const index = JSON.stringify({ metadata: { total_size: 1 }, weight_map });
    for (const files of [shards, { ...shards, 'model.safetensors.index.json': index }]) {
      const model = await openModel(await copyOf(files));
      expect(model.format).toBe('safetensors');
      expect(await logitsOf(model, TOKENS)).toEqual(expected);
    }
  });

  it('reads text, template and end tokens as the GGUF file does', async () => {
    const [folder, file] = [await openModel(hf), await openModel(join(bundled, 'sums-2m.f16.gguf'))];
    expect(new Set(folder.text.endIds)).toEqual(new Set(file.text.endIds));
    expect(folder.text.wantsBos).toBe(file.text.wantsBos);
    const chat = folder.text.renderChat([{ role: 'user', content: 'Grüße, 12+34?' }], { addGenerationPrompt: true });
    expect(chat).toBe(
      file.text.renderChat([{ role: 'user', content: 'Grüße, 12+34?' }], { addGenerationPrompt: true }),
    );
    for (const text of [chat, '', ' a  b\n\n12', '<|im_end|>', '漢字 🙂', "it's"]) {
      for (const parseSpecial of [true, false]) {
        const ids = folder.text.encode(text, { parseSpecial, addBos: false });
        expect(ids, text).toEqual(file.text.encode(text, { parseSpecial, addBos: false }));
        expect(folder.text.decode(ids, { keepSpecial: true })).toBe(text);
      }
    }
    await Promise.all([folder.close(), file.close()]);
  });

  it('takes chat_template.jinja before the template in tokenizer_config.json', async () => {
    const model = await openModel(await copyOf({ 'chat_template.jinja': 'mine' }));
    expect(model.text.renderChat([], { addGenerationPrompt: false })).toBe('mine');
    await model.close();
  });

  it('runs without a tokenizer, on ids', async () => {
    const model = await openModel(await copyOf({ 'tokenizer.json': null }));
    expect(model.notices.map(({ code }) => code)).toContain('NO-TOKENIZER');
    await model.close();
  });

  it('hashes one file as it is, and several by name and hash', async () => {
    const whole = await openModel(hf);
    expect(await whole.sha256()).toBe('c0116f3cac0e0f0fbbfe2996857daec80e4238fe5841174f9f24bd6c2434883d');
    await whole.close();
  });
});

describe('a folder is refused', () => {
  const shards = (map: Record<string, unknown>) => JSON.stringify({ weight_map: map });
  const files = (changes: Record<string, string | null>) => async () => changes;
  const config = (changes: Parameters<typeof configWith>[0]) => async () => ({
    'config.json': await configWith(changes),
  });
  const index = (text: string) => files({ 'model.safetensors.index.json': text });
  it.each<[string, string, () => Promise<Record<string, string | Uint8Array | null>>]>([
    ['without a model', 'E_FOLDER_NO_MODEL', files({ 'model.safetensors': null })],
    ['without config.json', 'E_FOLDER_NO_CONFIG', files({ 'config.json': null })],
    ['with a config.json that is no JSON', 'E_JSON_SYNTAX', files({ 'config.json': '{' })],
    [
      'with a key twice',
      'E_JSON_DUPLICATE_KEY',
      files({ 'config.json': '{"model_type":"qwen2","model_type":"llama"}' }),
    ],
    ['of an architecture that is not known', 'E_CONFIG_ARCHITECTURE', config({ model_type: 'gpt2' })],
    ['of no language model', 'E_CONFIG_ARCHITECTURE', config({ architectures: ['Qwen2ForSequenceClassification'] })],
    ['with quantised weights', 'E_CONFIG_UNSUPPORTED', config({ quantization_config: { quant_method: 'awq' } })],
    [
      'with rotation that is not known',
      'E_CONFIG_UNSUPPORTED',
      config({ rope_parameters: { rope_type: 'axial', rope_theta: 1e4, factor: 4 } }),
    ],
    ['of another size than its config', 'E_MODEL_SHAPE', config({ vocab_size: 767 })],
    ['with an index that leads out', 'E_SAFETENSORS_INDEX_PATH', index(shards({ a: '../model.safetensors' }))],
    [
      'with an index that leads out by an absolute path',
      'E_SAFETENSORS_INDEX_PATH',
      index(shards({ a: '/tmp/model.safetensors' })),
    ],
    ['with an index without a map', 'E_SAFETENSORS_INDEX', index('{}')],
    [
      'with an index that names a missing file',
      'E_FILE_MISSING',
      files({ 'model.safetensors': null, 'model.safetensors.index.json': shards({ a: 'b.safetensors' }) }),
    ],
    [
      'with an index that names a missing tensor',
      'E_SAFETENSORS_INDEX_TENSOR',
      index(shards({ a: 'model.safetensors' })),
    ],
    [
      'with a shard missing',
      'E_FOLDER_SHARD_MISSING',
      files({ 'model.safetensors': null, 'model-00001-of-00002.safetensors': 'x' }),
    ],
    ['with a broken tokenizer', 'E_TOKENIZER_JSON', files({ 'tokenizer.json': '[]' })],
    ['with token ids out of bounds', 'E_TOKENIZER_JSON', files({ 'tokenizer.json': '{"model":{"vocab":{"a":1e9}}}' })],
    [
      'with a tensor cut short',
      'E_SAFETENSORS_PAST_END',
      async () => ({ 'model.safetensors': (await readFile(join(hf, 'model.safetensors'))).subarray(0, 9999) }),
    ],
  ])('%s', async (_, code, changes) => {
    const folder = await copyOf(await changes());
    await refusal(code, () => openModel(folder));
  });

  it('where a tensor changes the result and the program does not read it', async () => {
    const tensors = await tensorsOfBundled();
    const extra = { dtype: 'F16', shape: [256], data: new Uint8Array(512) };
    for (const name of ['model.layers.0.self_attn.o_proj.bias', 'model.layers.0.mlp.shared_expert.up_proj.weight']) {
      const all = Object.fromEntries([
        ...tensors.map(({ name: tensor, ...rest }) => [tensor, rest] as const),
        [name, extra] as const,
      ]);
      const folder = await copyOf({ 'model.safetensors': safetensorsOf(all) });
      await refusal('E_MODEL_UNREAD_TENSOR', () => openModel(folder));
    }
  });
});
