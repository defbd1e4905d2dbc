// Weights on the GPU: what its decoders make of stored blocks, and tensors that are larger than a binding may be.
import { describe, expect, it } from 'vitest';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import type { OpenExecutor } from '../../src/engine/program/executor.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import { openFloat64Executor } from '../../src/oracles/float64/float64-executor.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../cases/synthetic-model.ts';
import { openTestDevice } from './adapter.ts';
import { underBinding, valuesOf, WITH_EXPERTS } from './models.ts';

/** Of every device, whatever it has (WebGPU, section 3.6.2). */
const DEFAULT_LIMITS = { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 };
const TYPES = Object.keys(TENSOR_TYPES) as TensorTypeName[];
const TOKENS = [0, 1, 2, 39, 78, 79];
/** Embedding and head are one matrix of 80 rows, and all there is. */
const program = syntheticProgram({ ...SMALL_CONFIG, layerCount: 0, modelDim: 256, isTied: true });
const EMBEDDING = program.ops[0]?.out ?? '';
const MATRIX_BYTES = 5_000;

const device = await openTestDevice({ limits: DEFAULT_LIMITS });
const open: OpenExecutor = (...args) => openWebgpuExecutor(device, ...args);

it('has no more than every device must have', () => {
  expect(device.device.limits).toMatchObject({
    ...DEFAULT_LIMITS,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16_384,
    maxComputeInvocationsPerWorkgroup: 256,
  });
});

async function rowsOf(opened: OpenExecutor<Float32Array> | OpenExecutor<Float64Array>, type: TensorTypeName) {
  const weights = syntheticWeights(program, () => type, 11);
  const executor = await (opened as OpenExecutor)(program, weights, { chunkPositions: 2 });
  const session = await executor.openSession(TOKENS.length);
  const embedding: number[] = [];
  const tap = {
    values: new Set([EMBEDDING]),
    onValue: (_: string, data: Float32Array) => void embedding.push(...data),
  };
  const { logits } = await session.run({ tokens: TOKENS, logits: 'all', tap });
  await executor.close();
  return { embedding, logits };
}

/** Relative to the largest of its row: a minimum that is taken off leaves a rounding of that size. */
function worstError(values: ArrayLike<number>, exact: ArrayLike<number>): number {
  const errors = Array.from(exact, (value, i) => {
    const row = Array.from(exact).slice(256 * Math.floor(i / 256), 256 * (Math.floor(i / 256) + 1));
    return Math.abs((values[i] ?? Number.NaN) - value) / Math.max(...row.map(Math.abs));
  });
  return Math.max(...errors);
}

it.each(TYPES)(
  '%s is decoded as the oracle decodes it, and cut into parts of whole rows it is the same',
  async (type) => {
    const [whole, exact] = [await rowsOf(open, type), await rowsOf(openFloat64Executor, type)];
    expect(whole.embedding).toHaveLength(TOKENS.length * 256);
    expect(worstError(whole.embedding, exact.embedding)).toBeLessThan(2 ** -22);
    expect(await underBinding(device, MATRIX_BYTES, () => rowsOf(open, type))).toEqual(whole);
  },
);

/** Of numbers by their bits, relative to the second. */
function distance(found: Uint32Array<ArrayBuffer> = new Uint32Array(0), expected: Uint32Array<ArrayBuffer>): number {
  const [ours, theirs] = [new Float32Array(found.buffer), new Float32Array(expected.buffer)];
  return Math.hypot(...theirs.map((value, i) => (ours[i] ?? Number.NaN) - value)) / Math.hypot(...theirs);
}

describe('where a binding has no room', () => {
  it('for matrices that share a buffer or for all experts, many positions have the same bits and a few, no longer fused, the same values', async () => {
    const whole = await valuesOf(device, WITH_EXPERTS, { chunkPositions: 8 });
    const inParts = await underBinding(device, 4_500, () => valuesOf(device, WITH_EXPERTS, { chunkPositions: 8 }));
    expect(whole.ofMany.length).toBeGreaterThan(50);
    expect(inParts.ofMany).toEqual(whole.ofMany);
    expect(inParts.ofFew).toHaveLength(whole.ofFew.length);
    const far = whole.ofFew.filter(([, expected], i) => !(distance(inParts.ofFew[i]?.[1], expected) <= 1e-5));
    expect(far.map(([value]) => value)).toEqual([]);
  }, 180_000);

  it('for all that comes back at once, it comes in several submits', async () => {
    const config = { ...SMALL_CONFIG, layerCount: 0 };
    const whole = await valuesOf(device, config);
    expect(await valuesOf(device, config, { readbackBytes: 1_500 })).toEqual(whole);
  });

  it.each([
    ['four rows of a matrix', 500, { code: 'E_GPU_WEIGHT_SIZE' }],
    ['all gains', 2_100, { code: 'E_GPU_BUFFER', place: 'vectors' }],
  ])('for %s, it is refused', async (_, bytes, error) => {
    const wide = syntheticProgram({ ...SMALL_CONFIG, layerCount: 3, modelDim: 256 });
    const weights = syntheticWeights(wide, () => 'q4_0', 3);
    await expect(underBinding(device, bytes, () => open(wide, weights))).rejects.toMatchObject(error);
  });
});
