// Tensors that stretch a rotation, with a factor that no rotation can have. Files of a few kilobytes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openModel } from '../../../src/engine/index.ts';
import { encodeGguf, ggufEntry } from '../../fixtures/gguf.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { tinyImage } from '../../fixtures/tiny-model.ts';

const folder = await temporaryFolder();

async function written(tensors: Record<string, number[]>): Promise<string> {
  const longrope = { 'llama.rope.scaling.type': ggufEntry('llama.rope.scaling.type', 'string', 'longrope') };
  const image = tinyImage({ entries: 'rope_freqs.weight' in tensors ? {} : longrope });
  const extra = Object.entries(tensors).map(([name, values]) => ({
    name,
    type: 'f32' as const,
    shape: [values.length],
    data: new Uint8Array(Float32Array.from(values).buffer),
  }));
  const path = join(folder, 'model.gguf');
  await writeFile(path, encodeGguf({ ...image, tensors: [...image.tensors, ...extra] }));
  return path;
}

it.each([0, -0, -2, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  'a factor of %d is refused',
  async (bad) => {
    const path = await written({ 'rope_freqs.weight': [1, 1, bad, 8] });
    const { message } = await refusal('E_ROPE_FACTORS', () => openModel(path));
    expect(message).toContain('factor 2 of tensor "rope_freqs.weight" is');
  },
);

it('in the long factors too, which a short session does not read', async () => {
  const path = await written({ 'rope_factors_short.weight': [1, 1, 1, 1], 'rope_factors_long.weight': [1, 2, 4, 0] });
  const { message } = await refusal('E_ROPE_FACTORS', () => openModel(path));
  expect(message).toContain('factor 3 of tensor "rope_factors_long.weight" is 0');
});

it('factors above 0 are taken, however small', async () => {
  const model = await openModel(await written({ 'rope_freqs.weight': [1, 1e-30, 3.5, 8] }));
  await model.close();
  expect(model.config.rope.scaling.type).toBe('factors');
});
