// Who may vouch for a program: a pack that reaches the logits, and no less.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyProgram } from '../../../src/diagnosis/check/verify-program.ts';
import { openModel, readCapture, type Capture, type Model, type WeightSource } from '../../../src/engine/index.ts';

const at = (path: string): string => new URL(`../../../models/sums-2m/${path}`, import.meta.url).pathname;

describe('a reference pack', () => {
  let model: Model;
  let pack: Capture;
  beforeAll(async () => {
    model = await openModel(at('sums-2m.f16.gguf'));
    pack = await readCapture(at('packs/float64/raw-sum'));
  });
  afterAll(() => model.close());

  const verify = (paths: readonly string[]): ReturnType<typeof verifyProgram> => {
    const { folder, manifest } = pack;
    const some = { folder, manifest, paths, read: (path: string) => pack.read(path) } as Capture;
    return verifyProgram({ program: model.program, weights: model.weights, packs: [some], contextLength: 9 });
  };

  it('vouches for the program by its logits', async () => {
    expect(await verify(['lm_head.bin'])).toMatchObject({ status: 'verified', packs: [{ stageCount: 1 }] });
  });

  it('is not met by a NaN, whatever comes after it', async () => {
    const name = 'blk.0.attn_norm.weight';
    // One channel of a gain, with finite ones behind it.
    const poisoned: WeightSource = {
      info: (weight) => model.weights.info(weight),
      read: async (weight, byteOffset, into) => {
        await model.weights.read(weight, byteOffset, into);
        if (weight === name && byteOffset === 0)
          new DataView(into.buffer, into.byteOffset).setFloat32(0, Number.NaN, true);
      },
    };
    expect(model.weights.info(name)?.type).toBe('f32');
    const { status, firstDifference } = await verifyProgram({
      program: model.program,
      weights: poisoned,
      packs: [pack],
      contextLength: 9,
    });
    expect({ status, path: firstDifference?.path }).toEqual({ status: 'refuted', path: 'layer-0/attn_norm.bin' });
  });

  it.each([[['layer-0/embedding.bin']], [['final_norm.bin']], [[]]])('does not, with %j alone', async (paths) => {
    const { status, says } = await verify(paths);
    expect({ status, says }).toEqual({
      status: 'unverified',
      says: 'no pack has lm_head, so none speaks of the whole program',
    });
  });
});
