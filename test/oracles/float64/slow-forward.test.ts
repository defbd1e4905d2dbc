// The executor against a second double-precision forward pass that knows no Program (falsifiers/kit): pairings,
// windows, grouped heads, biases, tied heads, and every stored type.
import { describe, expect, it } from 'vitest';
import { slowForward, slowLayer } from '../../../falsifiers/kit/references/slow-forward.ts';
import { slowTinyModel } from '../../../falsifiers/kit/references/slow-tiny-model.ts';
import { tinyModel, tinyShape, TINY_VARIANT_COUNT, type TinyShape } from '../../../falsifiers/kit/models/tiny-model.ts';
import { captureRun, MemoryByteSource, MemorySink, openModelSource } from '../../../src/engine/index.ts';
import type { TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import { openFloat64Executor } from '../../../src/oracles/float64/float64-executor.ts';

const TOKENS = [3, 200, 17, 256, 99, 0, 31, 140, 12, 77, 250, 5];

/** The largest difference of any stage, relative to the stage's largest value. */
async function worstDifference(shape: TinyShape): Promise<number> {
  const tiny = tinyModel(shape, 11);
  const model = await openModelSource(new MemoryByteSource(tiny.bytes, 'tiny.gguf'));
  const executor = await openFloat64Executor(model.program, model.weights, { chunkPositions: 5 });
  const sink = new MemorySink<Float64Array>();
  const { stages } = model.program;
  await captureRun<Float64Array>({ executor, tokens: TOKENS, stages, positions: 'all', sink });
  const slow = slowForward(slowTinyModel(tiny), TOKENS);
  expect(sink.stages.size).toBeGreaterThan(30);
  let worst = 0;
  for (const [path, { data }] of sink.stages) {
    const theirs = slow.get(path) ?? new Float64Array();
    expect(theirs.length, path).toBe(data.length);
    const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [i, value] of theirs.entries()) {
      worst = Math.max(worst, Math.abs((data[i] ?? Number.NaN) - value) / largest);
    }
  }
  return worst;
}

describe('the float64 executor', () => {
  it.each(Array.from({ length: TINY_VARIANT_COUNT }, (_, variant) => variant))(
    'agrees with the slow forward pass on shape %d',
    async (variant) => {
      expect(await worstDifference(tinyShape(variant))).toBeLessThanOrEqual(1e-13);
    },
  );

  it.each<TensorTypeName>(['bf16', 'q4_0', 'q5_0', 'q5_1', 'q4_k', 'q5_k', 'q6_k'])(
    'agrees with the slow forward pass on %s',
    async (matrixType) => {
      const shape = tinyShape(0, { matrixType, modelDim: 256, ffnDim: 256, headDim: 64 });
      expect(await worstDifference(shape)).toBeLessThanOrEqual(1e-13);
    },
  );
});

describe('one layer of the slow forward pass', () => {
  it('has the stages of the whole pass, from what the layer before it left', () => {
    const model = slowTinyModel(tinyModel(tinyShape(0), 11));
    const whole = slowForward(model, TOKENS);
    const last = model.layerCount - 1;
    const hidden = whole.get(`layer-${last - 1}/post_ffn_residual`) ?? new Float64Array();
    const stages = slowLayer(model, TOKENS, last, hidden);
    expect([...stages.keys()]).toEqual([...whole.keys()].filter((path) => path.startsWith(`layer-${last}/`)));
    for (const [path, values] of stages) expect(values, path).toEqual(whole.get(path));
  });
});
