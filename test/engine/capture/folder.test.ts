import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureRun } from '../../../src/engine/capture/capture-run.ts';
import {
  encodeManifest,
  parseManifest,
  stageFile,
  type CaptureManifest,
} from '../../../src/engine/capture/manifest.ts';
import { openRecording } from '../../../src/diagnosis/recordings/open-recording.ts';
import { parseStages, selectStages } from '../../../src/engine/capture/select.ts';
import { MemorySink, teeSinks } from '../../../src/engine/capture/sink.ts';
import { CaptureWriter } from '../../../src/engine/capture/write-capture.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { openModelSource } from '../../../src/engine/model/open-model.ts';
import { fakeExecutor, FAKE_PROFILE } from '../../fixtures/fake-executor.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { tinyGguf } from '../../fixtures/tiny-model.ts';

const root = await temporaryFolder();
const { program } = await openModelSource(new MemoryByteSource(tinyGguf()));
const tokens = [3, 1, 4, 1, 5];
const about: Omit<CaptureManifest, 'files'> = {
  schemaVersion: 1,
  model: { name: 'tiny', sha256: 'a'.repeat(64), architecture: 'llama' },
  tokens,
  positions: 'all',
  prompt: 'pie',
  chatTemplateApplied: false,
  origin: { executor: 'cpu', adapter: null, profile: FAKE_PROFILE, versions: { refute: '0.1.0' } },
};

async function written(folder: string): Promise<{ manifest: CaptureManifest; memory: MemorySink }> {
  const [writer, memory] = [await CaptureWriter.create(folder, about), new MemorySink()];
  const { stages } = selectStages(program, { names: parseStages('all'), layers: [0, 1] });
  const executor = fakeExecutor(program, { chunkPositions: 2 });
  await captureRun({ executor, tokens, stages, positions: 'all', sink: teeSinks(writer, memory) });
  return { manifest: await writer.finish(), memory };
}

describe('a capture folder', () => {
  it('holds what was captured, and reads it back bit for bit', async () => {
    const folder = join(root, 'whole');
    const { manifest, memory } = await written(folder);
    const capture = await openRecording(folder);
    expect(capture).toMatchObject({
      manifest: about,
      tokens,
      formats: { profile: FAKE_PROFILE, undeclared: [] },
      dtype: 'float32',
    });
    expect([...capture.tensors.keys()].toSorted()).toEqual([...memory.stages.keys()].toSorted());
    for (const [id, { data, shape, layer, name }] of memory.stages) {
      expect(await capture.read(id), id).toEqual({ data, shape, dtype: 'f32' });
      expect(capture.tensors.get(id)).toEqual({ source: stageFile({ name, layer }), name, layer, shape });
      expect(manifest.files[stageFile({ name, layer })]).toMatchObject({ stage: name, layer, shape, dtype: 'f32' });
    }
    expect((await readdir(folder)).toSorted()).toEqual([
      'final_norm.bin',
      'layer-0',
      'layer-1',
      'lm_head.bin',
      'manifest.json',
    ]);
    const header = (await readFile(join(folder, 'lm_head.bin'))).subarray(0, 12).toString('hex');
    expect(header).toBe('41505254' + 'ffffffff' + 'a0050000');
    expect((await readFile(join(folder, 'layer-0', 'embedding.bin'))).readUInt32LE(4)).toBe(0);
    await refusal('E_CAPTURE_STAGE', () => capture.read('layer-7/v'));
  });

  it('is no capture while it is written, nor when the writing stops', async () => {
    const folder = join(root, 'stopped');
    await written(folder);
    const writer = await CaptureWriter.create(folder, about);
    await refusal('E_CAPTURE_MANIFEST', () => openRecording(folder));
    const stage = { name: 'lm_head', layer: null, shape: [5, 288], id: 'lm_head' };
    await writer.begin(stage);
    await writer.append(stage, new Float32Array(288));
    await writer.abort();
    await refusal('E_CAPTURE_MANIFEST', () => openRecording(folder));
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('refuses a stage whose bytes are not those of the manifest', async () => {
    const folder = join(root, 'edited');
    await written(folder);
    const path = join(folder, 'final_norm.bin');
    const bytes = await readFile(path);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const capture = await openRecording(folder);
    await refusal('E_CAPTURE_DIGEST', () => capture.read('final_norm'));
    await capture.read('lm_head');
  });

  it('refuses a stage that is not of the shape or layer that the manifest says', async () => {
    const folder = join(root, 'misshapen');
    const { manifest } = await written(folder);
    const file = manifest.files['final_norm.bin']!;
    const files = { ...manifest.files, 'final_norm.bin': { ...file, shape: [5, 33] } };
    await writeFile(join(folder, 'manifest.json'), encodeManifest({ ...manifest, files }));
    const capture = await openRecording(folder);
    await refusal('E_CAPTURE_SHAPE', () => capture.read('final_norm'));
  });
});

describe('a manifest', () => {
  const file = { stage: 'lm_head', layer: null, shape: [5, 288], dtype: 'f32' as const, sha256: 'b'.repeat(64) };
  const manifest: CaptureManifest = { ...about, files: { 'lm_head.bin': file } };

  it('has executor and profile at its top level, and comes back the same', () => {
    const text = encodeManifest(manifest);
    expect(JSON.parse(text)).toMatchObject({ executor: 'cpu', adapter: null, profile: { kvCache: 'f32' }, tokens });
    expect(parseManifest(text, 'm')).toEqual({ head: about, files: manifest.files });
  });

  it('may name a producer instead of an executor', () => {
    const producer = { name: 'transformers', version: '5.23', dtype: 'float64', patches: ['RMSNorm in float64'] };
    const { head } = parseManifest(encodeManifest({ ...manifest, prompt: null, origin: { producer } }), 'm');
    expect(head.origin).toEqual({ producer });
    expect(head.prompt).toBeNull();
  });

  it.each([
    ['text that is not JSON', '{'],
    ['an array', '[]'],
    ['another version', { schemaVersion: 2 }],
    ['no model', { model: { name: 'x' } }],
    ['no tokens', { tokens: [] }],
    ['tokens that are none', { tokens: [1, -2] }],
    ['other positions', { positions: 'some' }],
    ['no origin', { executor: undefined }],
    ['an unknown executor', { executor: 'tpu' }],
    ['a prompt that is a number', { prompt: 4 }],
    ['a path that leads out', { files: { '../lm_head.bin': file } }],
    ['a path that is not that of its stage', { files: { 'final_norm.bin': file } }],
    ['a stage name that leads out', { files: { '../../x.bin': { ...file, stage: '../../x' } } }],
    ['a digest that is none', { files: { 'lm_head.bin': { ...file, sha256: 'b' } } }],
    ['an empty shape', { files: { 'lm_head.bin': { ...file, shape: [] } } }],
    ['another element type', { files: { 'lm_head.bin': { ...file, dtype: 'f64' } } }],
  ])('is refused with %s', async (_, change) => {
    const text =
      typeof change === 'string' ? change : JSON.stringify({ ...JSON.parse(encodeManifest(manifest)), ...change });
    await refusal('E_MANIFEST', () => parseManifest(text, 'm'));
  });
});
