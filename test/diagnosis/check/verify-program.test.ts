// Who may vouch for a program: a pack that reaches the logits, and no less.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyProgram } from '../../../src/diagnosis/check/verify-program.ts';
import { openPack, type Pack } from '../../../src/diagnosis/recordings/index.ts';
import { openModel, type Model, type WeightSource } from '../../../src/engine/index.ts';

const at = (path: string): string => new URL(`../../../models/sums-2m/${path}`, import.meta.url).pathname;

describe('a reference pack', () => {
  let model: Model;
  let pack: Pack;
  beforeAll(async () => {
    model = await openModel(at('sums-2m.f16.gguf'));
    pack = await openPack(at('packs/float64/raw-sum'), model.program);
  });
  afterAll(() => model.close());

  const verify = (ids: readonly string[]): ReturnType<typeof verifyProgram> => {
    const tensors = new Map([...pack.tensors].filter(([id]) => ids.includes(id)));
    const some = { ...pack, tensors };
    return verifyProgram({ program: model.program, weights: model.weights, packs: [some], contextLength: 9 });
  };

  it('vouches for the program by its logits', async () => {
    expect(await verify(['lm_head'])).toMatchObject({ status: 'verified', packs: [{ stageCount: 1 }] });
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
    expect({ status, path: firstDifference?.path }).toEqual({ status: 'refuted', path: 'layer-0/attn_norm' });
  });

  it.each([[['layer-0/embedding']], [['final_norm']], [[]]])('does not, with %j alone', async (paths) => {
    const { status, says } = await verify(paths);
    expect({ status, says }).toEqual({
      status: 'unverified',
      says: 'no pack has lm_head, so none speaks of the whole program',
    });
  });
});

it('a file that holds its rope factors, in float32, is vouched for by a pack that was computed without that rounding', async () => {
  const tiny = new URL('../../../models/tiny/llama/', import.meta.url).pathname;
  const model = await openModel(`${tiny}model.gguf`);
  const pack = await openPack(`${tiny}packs/stages.safetensors`, model.program);
  const { program, weights } = model;
  expect(program.ops.some((op) => op.op === 'rope' && op.rope.scaling.type === 'factors')).toBe(true);
  const found = await verifyProgram({ program, weights, packs: [pack], contextLength: 9 });
  expect(found, found.says).toMatchObject({ status: 'verified' });
  await model.close();
});
