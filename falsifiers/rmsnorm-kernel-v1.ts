// Tries to find a row that the rmsnorm kernel normalises otherwise than the formula does, beyond what float32 explains:
// tail widths, rows that cancel or are all alike, huge and subnormal channels, NaN and infinities; the rows of the
// trained model; and the rows that Transformers recorded. Not claimed: which epsilon or gain a program asks for.
import fc from 'fast-check';
import { rmsnormJudgement } from '../src/diagnosis/ops/rmsnorm.ts';
import { rmsnormKernel } from '../src/engine/cpu/kernels/rmsnorm.ts';
import { rmsnorm } from '../src/oracles/float64/ops/rmsnorm.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { betweenGuards } from './kit/judges/guarded-memory.ts';
import { kernelClaim, type StageCase } from './kit/claims/kernel-claim.ts';
import { makeValues, NON_FINITE, SMALL_SPECIALS, TAIL_LENGTHS, valuesRecipe } from './kit/arbitraries/kernel-values.ts';
import { known } from './kit/claims/known-faults.ts';
import type { StageRun } from './kit/models/trained-stages.ts';

interface Input {
  x: Float32Array;
  gain: Float32Array;
  eps: number;
}

/** The squares of a row must have a sum that float32 holds: 10^16 at most, times 1,000 in one channel. */
const EXPONENTS = [0, -4, -1, 3, -40, -22, -8, 8, 14];

const recipes = fc.record({
  channels: fc.constantFrom(...TAIL_LENGTHS),
  rows: fc.integer({ min: 1, max: 3 }),
  eps: fc.constantFrom(1e-6, 1e-5, 1e-12),
  x: valuesRecipe(EXPONENTS, [...SMALL_SPECIALS, 1e17, ...NON_FINITE]),
  gain: valuesRecipe([0, -1, 1], [0, -0, 1]),
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-RMSN-001': kernelClaim({
    recipes,
    planned: 400,
    make: ({ channels, rows, eps, x, gain }) => ({
      x: makeValues(x, rows * channels),
      gain: makeValues(gain, channels),
      eps,
    }),
    run: ({ x, gain, eps }) =>
      betweenGuards(rmsnormKernel, x.length, (kernel, out, memory) => {
        kernel.rmsnorm(out, memory.put(x), memory.put(gain), eps, gain.length, x.length / gain.length);
      }),
    should({ x, gain, eps }, arithmetic) {
      const [rows, factors] = [Float64Array.from(x), Float64Array.from(gain)];
      return rmsnormJudgement.budget(
        { op: 'rmsnorm', in: 'x', weight: 'gain', eps, out: 'y' },
        {
          arithmetic,
          inputs: [rows],
          reference: rmsnorm(rows, factors, eps),
          rowCount: x.length / gain.length,
          firstPosition: 0,
          gain: factors,
          isWeightRounded: false,
        },
      );
    },
    ofLayer: normsOf,
    perLayer: 2,
    stages: ['embedding', 'attn_norm', 'post_attn_residual', 'ffn_norm', 'post_ffn_residual'],
    faults: known(rmsnormJudgement.faults, 'N2 N2-small N4 N4-small N4-in-live N4-in-oracle'),
  }),
};

function normsOf(run: StageRun, layer: number): StageCase<Input>[] {
  const gainOf = (name: string): Float32Array =>
    Float32Array.from(run.model.weight(`blk.${layer}.${name}.weight`) ?? []);
  const eps = run.model.rmsNormEps;
  return [
    { where: 'attn_norm', x: run.layerInput(layer) },
    { where: 'ffn_norm', x: run.stage(layer, 'post_attn_residual') },
  ].map(({ where, x }) => ({ where, input: { x, gain: gainOf(where), eps }, recorded: run.stage(layer, where) }));
}
