// Scalings that no formula can be evaluated on are refused before the first run: the oracle asks the check that all executors ask.
import { describe, expect, it } from 'vitest';
import type { Program, RopeScaling } from '../../../src/engine/program/program.ts';
import { openFloat64Executor } from '../../../src/oracles/float64/float64-executor.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../../cases/synthetic-model.ts';

const LONGROPE = {
  type: 'longrope',
  short: [1, 1, 1, 1, 1, 1, 1, 1],
  long: [1, 1, 2, 2, 4, 4, 8, 8],
  originalContextLength: 20,
  attentionFactor: 1.2,
} satisfies RopeScaling;

function open(scaling: RopeScaling, rotaryDim = 16): Promise<unknown> {
  const healthy = syntheticProgram(SMALL_CONFIG);
  const ops = healthy.ops.map((op) =>
    op.op === 'rope' ? { ...op, rope: { ...op.rope, rotaryDim, scaling } } : op,
  ) as Program['ops'];
  return openFloat64Executor(
    { ...healthy, ops },
    syntheticWeights(healthy, () => 'f16', 7),
  );
}

describe('the float64 executor', () => {
  it('takes a scaling that is whole', async () => {
    await expect(open(LONGROPE)).resolves.toMatchObject({ id: 'float64' });
  });

  it.each<[string, string, RopeScaling, number?]>([
    ['a factor of 0', 'E_PROGRAM', { type: 'linear', factor: 0 }],
    ['an attention factor that is no number', 'E_PROGRAM', { ...LONGROPE, attentionFactor: Number.NaN }],
    ['a list of factors that is too short', 'E_PROGRAM', { ...LONGROPE, long: [1, 2] }],
    ['an infinite factor', 'E_PROGRAM', { ...LONGROPE, long: [1, 1, 1, 1, 1, 1, 1, Infinity] }],
    ['dynamic scaling of one pair', 'E_PROGRAM', { type: 'dynamic', factor: 2, originalContextLength: 8 }, 2],
    ['factors that are missing', 'E_PROGRAM_WEIGHT', { ...LONGROPE, long: 'rope_factors_long.weight' }],
    ['factors of another shape', 'E_PROGRAM_WEIGHT', { ...LONGROPE, short: 'blk.0.attn_norm.weight' }],
  ])('refuses %s', async (_, code, scaling, rotaryDim) => {
    await expect(open(scaling, rotaryDim)).rejects.toMatchObject({ code });
  });
});
