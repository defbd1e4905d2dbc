// Weights on the GPU: what its decoders make of stored blocks, and tensors that are larger than a binding may be.
import { describe, expect, it } from 'vitest';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import type { OpenExecutor } from '../../src/engine/program/executor.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import { openFloat64Executor } from '../../src/oracles/float64/float64-executor.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../cases/synthetic-model.ts';
import { openTestDevice } from './adapter.ts';

const TYPES = Object.keys(TENSOR_TYPES) as TensorTypeName[];
const TOKENS = [0, 1, 2, 39, 78, 79];
const config = { ...SMALL_CONFIG, layerCount: 1, modelDim: 256, ffnDim: 256, headDim: 64, isTied: true };
const program = syntheticProgram(config);
const EMBEDDING = program.ops[0]?.out ?? '';

async function rowsOf(open: OpenExecutor<Float32Array> | OpenExecutor<Float64Array>, type: TensorTypeName) {
  const weights = syntheticWeights(program, () => type, 11);
  const executor = await (open as OpenExecutor)(program, weights);
  const session = await executor.openSession(TOKENS.length);
  const taps: Float32Array[] = [];
  const tap = { values: new Set([EMBEDDING]), onValue: (_: string, data: Float32Array) => void taps.push(data) };
  const { logits } = await session.run({ tokens: TOKENS, logits: 'all', tap });
  await executor.close();
  return { embedding: taps[0] ?? new Float32Array(0), logits };
}

/** Relative to the largest of its row: a minimum that is taken off leaves a rounding of that size. */
function worstError(values: ArrayLike<number>, exact: ArrayLike<number>): number {
  const errors = Array.from(exact, (value, i) => {
    const row = Array.from(exact).slice(256 * Math.floor(i / 256), 256 * (Math.floor(i / 256) + 1));
    return Math.abs((values[i] ?? Number.NaN) - value) / Math.max(...row.map(Math.abs));
  });
  return Math.max(...errors);
}

describe('every type', async () => {
  const device = await openTestDevice();
  const open: OpenExecutor = (...args) => openWebgpuExecutor(device, ...args);

  it.each(TYPES)('%s is decoded as the oracle decodes it', async (type) => {
    const [ours, exact] = [await rowsOf(open, type), await rowsOf(openFloat64Executor, type)];
    expect(ours.embedding).toHaveLength(TOKENS.length * 256);
    expect(worstError(ours.embedding, exact.embedding)).toBeLessThan(2 ** -22);
  });
});

describe('a binding of 16 KiB', async () => {
  const device = await openTestDevice({ limits: { maxStorageBufferBindingSize: 16_384 } });

  it.each<TensorTypeName>(['q8_0', 'q6_k', 'f16'])(
    'cuts %s into parts of whole rows, and gives the same',
    async (type) => {
      const whole = await openTestDevice();
      const [parts, all] = [
        await rowsOf((...args) => openWebgpuExecutor(device, ...args), type),
        await rowsOf((...args) => openWebgpuExecutor(whole, ...args), type),
      ];
      expect(parts.logits).toEqual(all.logits);
      expect(parts.embedding).toEqual(all.embedding);
    },
  );
});
