// One run in every form that a recording may lie in: each opens to the same stages, tokens and values, by content
// and not by name; names of other people are read by a map; float64 rounded since is refused in each of them.
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkDump } from '../../../src/diagnosis/index.ts';
import { isRecording, openRecording, parseStageMap } from '../../../src/diagnosis/recordings/index.ts';
import { dumpValues } from '../../../src/diagnosis/recordings/dump-values.ts';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import {
  captureRun,
  CaptureWriter,
  MemoryByteSource,
  MemorySink,
  openModelSource,
  selectStages,
  teeSinks,
} from '../../../src/engine/index.ts';
import { npy, renamed, safetensorsDump, writeArrays, type Stages } from '../../fixtures/recording-files.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { tinyGguf } from '../../fixtures/tiny-model.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);
const TOKENS = [3, 1, 4, 1, 5];
const model = await openModelSource(new MemoryByteSource(tinyGguf()));
const { program, weights } = model;
const NAMES =
  'embedding attn_norm q_matmul k_matmul v_matmul q_post_rope k_post_rope attention attn_out post_attn_residual ffn_norm ffn_gate ffn_up ffn_silu ffn_swigl ffn_out layer_output final_norm lm_head';
const HEAD = {
  schemaVersion: 1 as const,
  model: { name: 'tiny', sha256: 'a'.repeat(64), architecture: 'llama' },
  tokens: TOKENS,
  positions: 'all' as const,
  prompt: null,
  chatTemplateApplied: false,
};
const said = (dtype: string): string =>
  JSON.stringify({ ...HEAD, producer: { name: 'stranger', version: '1', dtype } });

/** By the names asked for. */
let stages: Stages;

beforeAll(async () => {
  const executor = await openCpuExecutor(program, weights);
  const memory = new MemorySink();
  const origin = { executor: 'cpu' as const, adapter: null, profile: executor.profile, versions: {} };
  const writer = await CaptureWriter.create(at('capture'), { ...HEAD, origin });
  const chosen = selectStages(program, { names: NAMES.split(' '), layers: [0, 1] });
  const sink = teeSinks(writer, memory);
  await captureRun({ executor, tokens: TOKENS, stages: chosen.stages, positions: 'all', sink });
  await writer.finish();
  await executor.close();
  stages = memory.stages;
  await writeFile(at('one-file'), safetensorsDump(stages, { manifest: said('float32') }));
  await writeArrays(at('arrays'), stages, '');
  await writeFile(at('arrays/manifest.json'), said('float32'));
  await mkdir(at('in-folder'));
  await writeFile(at('in-folder/tensors'), safetensorsDump(stages, { manifest: said('float32') }));
});

const FORMS = ['capture', 'one-file', 'arrays', 'in-folder'];

describe('a recording', () => {
  it.each(FORMS)('is opened, %s', async (form) => {
    expect(await isRecording(at(form))).toBe(true);
    const recording = await openRecording(at(form));
    expect(recording).toMatchObject({ tokens: TOKENS, positions: 'all', otherNames: [] });
    expect(recording.tensors.size).toBe(stages.size);
    for (const [asked, { shape, data }] of stages) {
      const id = asked.replace('layer_output', 'post_ffn_residual');
      expect(recording.tensors.get(id)?.shape, id).toEqual(shape);
      expect((await recording.read(id)).data, id).toEqual(data);
    }
    expect(await recording.digest()).toMatch(/^[0-9a-f]{64}$/);
  });

  it('of our own keeps an alias as the name of its file, and the manifest says of what', async () => {
    const { files } = JSON.parse(await readFile(at('capture/manifest.json'), 'utf8')) as { files: object };
    expect(files).toMatchObject({
      'layer-1/layer_output.bin': { stage: 'layer_output', aliasOf: 'post_ffn_residual' },
    });
  });

  it.each(FORMS)('is judged whole, %s', async (form) => {
    const dump = await openRecording(at(form));
    const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
    const { coverage, results, brackets } = await checkDump({ dump, program, weights, tokens: TOKENS, ...none });
    expect(coverage).toMatchObject({ missing: [], judgedOps: program.ops.length });
    expect(brackets).toEqual([]);
    expect(results.filter(({ status }) => status !== 'healthy')).toEqual([]);
  });
});

describe('float64 rounded since is not judged', () => {
  it('in one file, in arrays, in a folder of stages', async () => {
    await writeFile(at('rounded'), safetensorsDump(stages, { manifest: said('float64') }));
    await writeArrays(at('rounded-arrays'), stages);
    await writeFile(at('rounded-arrays/manifest.json'), said('float64'));
    const { files } = JSON.parse(await readFile(at('capture/manifest.json'), 'utf8')) as { files: object };
    await mkdir(at('rounded-capture'));
    const manifest = JSON.stringify({ ...(JSON.parse(said('float64')) as object), files });
    await writeFile(at('rounded-capture/manifest.json'), manifest);
    const own = JSON.stringify({ ...HEAD, executor: 'float64', profile: {}, adapter: null, versions: {}, files });
    await mkdir(at('own-float64'));
    await writeFile(at('own-float64/manifest.json'), own);
    for (const form of ['rounded', 'rounded-arrays', 'rounded-capture', 'own-float64']) {
      const dump = await openRecording(at(form));
      await refusal('E_DUMP_PRECISION', () => dumpValues(dump, program, TOKENS.length));
    }
  });

  it('nor float64 that float32 does not hold, where nothing is said', async () => {
    const doubles: Stages = new Map([['final_norm', { shape: [5, 32], data: new Float64Array(160).fill(0.1) }]]);
    await writeFile(at('doubles'), safetensorsDump(doubles));
    await writeArrays(at('double-arrays'), doubles);
    for (const form of ['doubles', 'double-arrays']) {
      const values = dumpValues(await openRecording(at(form)), program, TOKENS.length);
      await refusal('E_DUMP_PRECISION', () => values.read('final_norm'));
    }
  });
});

describe('names of other people', () => {
  const MAP = `
tokens: [3, 1, 4, 1, 5]
stages:
  embedding: model.embed_tokens
  attn_norm: "model.layers.{layer}.input_layernorm"
  q_matmul: "model.layers.{layer}.self_attn.q_proj"
  k_matmul: "model.layers.{layer}.self_attn.k_proj"
  v_matmul: "model.layers.{layer}.self_attn.v_proj"
  layer-1/ffn_out: last.mlp
  layer_output: "model.layers.{layer}"
  final_norm: model.norm
`;
  const hugging = (id: string): string =>
    id
      .replace('layer-0/embedding', 'model.embed_tokens')
      .replace('layer-1/ffn_out', 'last.mlp')
      .replace(/^layer-(\d+)\/attn_norm/, 'model.layers.$1.input_layernorm')
      .replace(/^layer-(\d+)\/([qkv])_matmul/, 'model.layers.$1.self_attn.$2_proj')
      .replace(/^layer-(\d+)\/layer_output/, 'model.layers.$1')
      .replace('final_norm', 'model.norm');

  it.each(['hf', 'hf-arrays'])('are read by a map that names values, %s', async (form) => {
    if (form === 'hf') await writeFile(at(form), safetensorsDump(renamed(stages, hugging)));
    else await writeArrays(at(form), renamed(stages, hugging));
    const dump = await openRecording(at(form), parseStageMap(MAP, 'map.yaml'));
    expect(dump).toMatchObject({ tokens: TOKENS, otherNames: [] });
    const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
    const { coverage, results } = await checkDump({ dump, program, weights, tokens: TOKENS, ...none });
    expect(coverage).toMatchObject({ missing: [], judgedOps: program.ops.length });
    expect(results.filter(({ status }) => status !== 'healthy')).toEqual([]);
    const unmapped = await openRecording(at(form));
    expect(unmapped.otherNames).toContain('model.layers.0.self_attn.q_proj');
  });

  it('must agree with the manifest about what ran', async () => {
    const map = parseStageMap('tokens: [1]', 'map.yaml');
    await refusal('E_STAGE_MAP', () => openRecording(at('one-file'), map));
  });
});

describe('what is not a recording', () => {
  it('is refused by what is missing', async () => {
    await mkdir(at('empty'));
    await refusal('E_CAPTURE_MANIFEST', () => openRecording(at('empty')));
    await mkdir(at('two'));
    await writeFile(at('two/a'), safetensorsDump(stages));
    await writeFile(at('two/b'), safetensorsDump(stages));
    await refusal('E_CAPTURE_MANIFEST', () => openRecording(at('two')));
    await refusal('E_FILE_MISSING', () => openRecording(at('nowhere')));
    await mkdir(at('circle'));
    await symlink('.', at('circle/again'));
    await refusal('E_CAPTURE_MANIFEST', () => openRecording(at('circle')));
    await writeFile(at('gguf.safetensors'), tinyGguf());
    expect(await isRecording(at('gguf.safetensors'))).toBe(false);
    await refusal('E_FORMAT', () => openRecording(at('gguf.safetensors')));
    await mkdir(at('model'));
    await rename(at('gguf.safetensors'), at('model/weights'));
    expect(await isRecording(at('model'))).toBe(false);
  });

  /** One element, with another word in the header. */
  const npyWith = (word: string, other: string): Uint8Array => {
    const text = Buffer.from(npy(new Float32Array(1), [1])).toString('latin1');
    return Buffer.from(text.replace(word, other), 'latin1');
  };

  it.each([
    ['a truncated array', npy(new Float32Array(8), [2, 4]).subarray(0, 140)],
    ['another shape', npy(new Float32Array(8), [2, 5])],
    ['a header longer than the file', Uint8Array.from(npy(new Float32Array(1), [1]), (b, i) => (i === 9 ? 255 : b))],
    ['Fortran order', npyWith('False', 'True ')],
    ['integers', npyWith('<f4', '<i4')],
  ])('%s is refused', async (name, bytes) => {
    await mkdir(at(name));
    await writeFile(at(`${name}/lm_head.npy`), bytes);
    await refusal('E_NPY', () => openRecording(at(name)));
  });
});
