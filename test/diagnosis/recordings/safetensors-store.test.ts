// A capture in one safetensors file: what it says is what was written, in the manifest's words; what is no capture
// is refused by code.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRecording } from '../../../src/diagnosis/recordings/index.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { safetensorsFile } from '../../fixtures/safetensors.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();
const MANIFEST = {
  schemaVersion: 1,
  producer: { name: 'stranger', version: '1', dtype: 'float64' },
  model: { name: 'm', sha256: '0'.repeat(64), architecture: 'llama' },
  tokens: [1, 2],
  positions: 'all',
  prompt: null,
  chatTemplateApplied: false,
};
const DOUBLES = Float64Array.of(0.1, -0, 1 + 2 ** -40, 1e-300);

let count = 0;
async function written(
  tensors: Record<string, object>,
  data: Uint8Array,
  manifest: object | null = MANIFEST,
): Promise<string> {
  const path = join(folder, `${count++}.safetensors`);
  const metadata = manifest === null ? {} : { manifest: JSON.stringify(manifest) };
  await writeFile(path, safetensorsFile({ __metadata__: metadata, ...tensors }, data));
  return path;
}

const bytes = new Uint8Array(DOUBLES.buffer);
const F64 = { dtype: 'F64', shape: [2, 2], data_offsets: [0, 32] };

describe('a capture in a safetensors file', () => {
  it('has its tensors as stages, doubles as they are', async () => {
    const capture = await openRecording(await written({ 'layer-3/attn_norm': F64 }, bytes));
    expect([...capture.tensors]).toEqual([
      ['layer-3/attn_norm', { source: 'layer-3/attn_norm', name: 'attn_norm', layer: 3, shape: [2, 2] }],
    ]);
    expect(capture).toMatchObject({ tokens: [1, 2], dtype: 'float64', formats: null });
    expect(await capture.read('layer-3/attn_norm')).toEqual({ data: DOUBLES, shape: [2, 2], dtype: 'f64' });
  });

  it('keeps float32 bit for bit', async () => {
    const floats = Float32Array.of(0.1, -0, Infinity, 1e-45);
    const tensor = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] };
    const capture = await openRecording(await written({ lm_head: tensor }, new Uint8Array(floats.buffer)));
    expect(capture.tensors.get('lm_head')?.layer).toBeNull();
    expect((await capture.read('lm_head')).data).toEqual(floats);
  });

  it('has another identity where one value is another', async () => {
    const digests = [bytes, bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte))].map(async (data) => {
      const capture = await openRecording(await written({ lm_head: F64 }, data));
      return capture.digest();
    });
    const [one, other] = await Promise.all(digests);
    expect(one).not.toBe(other);
  });

  it.each<[string, Record<string, object>, object | null]>([
    ['E_CAPTURE_STAGE', { '../lm_head': F64 }, MANIFEST],
    ['E_CAPTURE_STAGE', { 'layer-x/attn_norm': F64 }, MANIFEST],
    ['E_CAPTURE_STAGE', { 'layer-01/attn_norm': F64 }, MANIFEST],
    ['E_MANIFEST', { lm_head: F64 }, { ...MANIFEST, tokens: [] }],
    ['E_MANIFEST', { lm_head: F64 }, { ...MANIFEST, producer: undefined }],
  ])('is refused with %s: %j', async (code, tensors, manifest) => {
    const path = await written(tensors, bytes, manifest);
    await refusal(code, () => openRecording(path));
  });

  it('is refused a tensor of another type, and one that is not there, when it is asked for', async () => {
    const path = await written({ lm_head: { dtype: 'I64', shape: [2, 2], data_offsets: [0, 32] } }, bytes);
    const capture = await openRecording(path);
    await refusal('E_CAPTURE_STAGE', () => capture.read('lm_head'));
    await refusal('E_CAPTURE_STAGE', () => capture.read('final_norm'));
  });
});
