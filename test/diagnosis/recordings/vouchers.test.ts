// Which packs speak of a quantised file itself, and not of what it was quantised from.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pack } from '../../../src/diagnosis/recordings/index.ts';
import { packsOfFile } from '../../../src/diagnosis/recordings/vouchers.ts';
import { openModel, type Model } from '../../../src/engine/index.ts';

const PATH = new URL('../../../models/sums-2m/sums-2m.q4_k_m.gguf', import.meta.url).pathname;

describe('the packs of a file', () => {
  let model: Model;
  beforeAll(async () => {
    model = await openModel(PATH);
  });
  afterAll(() => model.close());

  const packOf = (name: string, sha256: string): Pack =>
    ({ manifest: { model: { name, sha256, architecture: 'qwen2' } } }) as Pack;

  it('name the file and have its sha256', async () => {
    const sha256 = await model.sha256();
    const own = packOf('sums-2m.q4_k_m.gguf', sha256);
    expect(await packsOfFile(model, [packOf('sums-2m', sha256), own])).toEqual([own]);
  });

  it('are none where the file was changed since', async () => {
    expect(await packsOfFile(model, [packOf('sums-2m.q4_k_m.gguf', '0'.repeat(64))])).toEqual([]);
  });
});
