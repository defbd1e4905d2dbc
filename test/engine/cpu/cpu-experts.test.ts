// Experts over quantised weights as stored: each slot must read its own expert's slice, whatever the type.
import { describe, expect, it } from 'vitest';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import type { TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import { openFloat64Executor } from '../../../src/oracles/float64/float64-executor.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../../cases/synthetic-model.ts';

const TOKENS = [3, 70, 3, 19, 44, 8, 61];

/** Rows of 256 channels, which every block type fills. */
const program = syntheticProgram({
  ...SMALL_CONFIG,
  architecture: 'qwen3moe',
  modelDim: 256,
  hasQkvBias: false,
  hasQkNorm: true,
  experts: { count: 5, usedCount: 2, ffnDim: 256, isRenormalised: true },
});

describe('experts on the CPU', () => {
  it.each<TensorTypeName>(['f16', 'q8_0', 'q4_0', 'q4_k', 'q6_k'])(
    'stored as %s are those of the oracle',
    async (type) => {
      // What is not an expert is float32, so that what differs is theirs.
      const weights = syntheticWeights(program, (name) => (name.includes('_exps') ? type : 'f32'), 7);
      const oracle = await (await openFloat64Executor(program, weights)).openSession(16);
      const { logits: exact } = await oracle.run({ tokens: TOKENS, logits: 'all' });
      const engine = await (await openCpuExecutor(program, weights)).openSession(16);
      const { logits } = await engine.run({ tokens: TOKENS, logits: 'all' });
      const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const worst = exact.reduce((most, value, i) => Math.max(most, Math.abs(value - (logits[i] ?? Number.NaN))), 0);
      expect(largest).toBeGreaterThan(0);
      // float32 sums of 256 terms over two layers: some 10 u of what they are summed from.
      expect(worst / largest).toBeLessThanOrEqual(2e-5);

      const steps = await (await openCpuExecutor(program, weights)).openSession(16);
      const rows: number[] = [];
      for (const token of TOKENS) rows.push(...(await steps.run({ tokens: [token], logits: 'all' })).logits);
      expect(Float32Array.from(rows)).toEqual(logits);
    },
  );
});
