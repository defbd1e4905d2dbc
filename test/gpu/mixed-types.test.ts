// Matrices of a layer in several types: those that share an input share a dispatch as far as they can, and attention finds query,
// key and value wherever they were made.
import { expect, it } from 'vitest';
import type { TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import type { Executor, FloatArray } from '../../src/engine/program/executor.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import { openFloat64Executor } from '../../src/oracles/float64/float64-executor.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../cases/synthetic-model.ts';
import { sharedTestDevice } from './adapter.ts';

const device = await sharedTestDevice();
const config = { ...SMALL_CONFIG, layerCount: 1, modelDim: 64, ffnDim: 64, headDim: 16, hasQkvBias: true };
const program = syntheticProgram(config);

async function valuesOf(executor: Executor<FloatArray>): Promise<Map<string, number[]>> {
  const values = new Map<string, number[]>();
  const session = await executor.openSession(3);
  const onValue = (id: string, data: FloatArray): void => void values.set(id, [...(values.get(id) ?? []), ...data]);
  const tap = { values: new Set(program.values.map(({ id }) => id)), onValue };
  for (const token of [1, 5, 9]) await session.run({ tokens: [token], logits: 'none', tap });
  await executor.close();
  return values;
}

it.each<[TensorTypeName, TensorTypeName, TensorTypeName]>([
  ['q8_0', 'q8_0', 'q8_0'],
  ['q8_0', 'q8_0', 'q5_0'],
  ['q8_0', 'q5_0', 'q5_0'],
  ['q8_0', 'q5_0', 'q8_0'],
  ['q8_0', 'q5_0', 'q4_1'],
])('query %s, key %s, value %s', async (q, k, v) => {
  const typeOf = (name: string): TensorTypeName =>
    name.includes('attn_q') ? q : name.includes('attn_k') ? k : name.includes('attn_v') ? v : 'f16';
  const weights = syntheticWeights(program, typeOf, 3);
  const ours = await valuesOf(await openWebgpuExecutor(device, program, weights));
  const exact = await valuesOf(await openFloat64Executor(program, weights));
  const far = [...exact].filter(([id, expected]) => {
    const found = ours.get(id) ?? [];
    const away = Math.hypot(...expected.map((number, i) => (found[i] ?? Number.NaN) - number));
    return !(found.length === expected.length && away <= 1e-5 * Math.hypot(...expected));
  });
  expect(exact.size).toBe(program.values.length);
  expect(far.map(([id]) => id)).toEqual([]);
});
