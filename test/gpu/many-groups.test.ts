// More workgroups than one direction takes, for real: a head of so many rows, and a chunk with so many elements.
import { expect, it } from 'vitest';
import type { Executor, FloatArray } from '../../src/engine/program/executor.ts';
import { MAX_GROUPS } from '../../src/gpu/dispatch.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import { openFloat64Executor } from '../../src/oracles/float64/float64-executor.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../cases/synthetic-model.ts';
import { openTestDevice } from './adapter.ts';

/** Of rows that a workgroup makes, eight. */
const LANES = 32;
const VOCAB = 8 * MAX_GROUPS + 100;
const NO_LAYERS = { ...SMALL_CONFIG, layerCount: 0, modelDim: 32, vocabSize: VOCAB, isTied: true };

it('makes every row of a head of more than 65,535 groups', async () => {
  const gpu = await openTestDevice({ subgroups: false, laneCount: LANES });
  const program = syntheticProgram(NO_LAYERS);
  const weights = syntheticWeights(program, () => 'q4_0', 5);
  const last = async (executor: Executor<FloatArray>): Promise<FloatArray> => {
    const session = await executor.openSession(1);
    const { logits } = await session.run({ tokens: [VOCAB - 1], logits: 'last' });
    await executor.close();
    return logits;
  };
  const ours = await last(await openWebgpuExecutor(gpu, program, weights));
  const exact = await last(await openFloat64Executor(program, weights));
  expect(ours).toHaveLength(VOCAB);
  const largest = Float64Array.from(exact).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // 32 products and the norm: some tens of roundings, each below 2^-23 of what is added up, which is below 32 of the largest.
  const bound = 64 * 32 * 2 ** -23 * largest;
  let worst = 0;
  for (const [row, value] of exact.entries()) {
    const error = Math.abs((ours[row] ?? Number.NaN) - value);
    worst = error <= worst ? worst : error;
  }
  expect(worst).toBeLessThanOrEqual(bound);
  // Rows that only a second line of groups makes are there, and differ.
  expect(new Set(ours.slice(8 * MAX_GROUPS)).size).toBeGreaterThan(50);
});
