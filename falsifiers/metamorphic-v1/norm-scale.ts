// Scaling a row before its norm, and its epsilon with it, must leave the result alone, bit for bit: the rmsnorm kernel. Whether
// the result is right: rmsnorm-kernel-v1.
import fc from 'fast-check';
import { rmsnormJudgement } from '../../src/diagnosis/ops/rmsnorm.ts';
import { rmsnormKernel } from '../../src/engine/cpu/kernels/rmsnorm.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { makeValues, TAIL_LENGTHS, valuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { known } from '../kit/claims/known-faults.ts';
import { plants } from '../kit/claims/plants.ts';
import { differingElements } from '../kit/judges/budget-ratio.ts';
import { betweenGuards } from '../kit/judges/guarded-memory.ts';
import { LAYERS, LIVE_RUNS, trainedRuns } from '../kit/models/trained-stages.ts';

async function normed(x: Float32Array, gain: Float32Array, eps: number): Promise<Float32Array> {
  const { values } = await betweenGuards(rmsnormKernel, x.length, (kernel, out, memory) => {
    kernel.rmsnorm(out, memory.put(x), memory.put(gain), eps, gain.length, x.length / gain.length);
  });
  return values;
}

/** norm(c·x, c²·eps) = norm(x, eps) for c a power of two: nothing rounds otherwise. */
async function scaleDifferences(x: Float32Array, gain: Float32Array, power: number): Promise<number> {
  const scaled = x.map((value) => value * 2 ** power);
  return differingElements(await normed(x, gain, 2 ** -20), await normed(scaled, gain, 2 ** (2 * power - 20)));
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-META-002': {
    parts: {
      generated: {
        planned: 300,
        run: (context) =>
          context.search(
            fc.record({
              channels: fc.constantFrom(...TAIL_LENGTHS),
              x: valuesRecipe([0, -2, 2], [0, -0, 1]),
              gain: valuesRecipe([0], [0, 1]),
              power: fc.integer({ min: -20, max: 20 }),
            }),
            context.planned,
            ({ channels, x, gain, power }) =>
              scaleDifferences(makeValues(x, 2 * channels), makeValues(gain, channels), power),
          ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_RUNS * LAYERS,
        async run(context) {
          for (const { where, model, layerInput } of await trainedRuns(context)) {
            for (let layer = 0; layer < LAYERS; layer++) {
              const gain = Float32Array.from(model.weight(`blk.${layer}.attn_norm.weight`) ?? []);
              context.measure(await scaleDifferences(layerInput(layer), gain, 9), `${where}, layer ${layer}`);
            }
          }
        },
      },
    },
    faults: [
      ...known(rmsnormJudgement.faults, 'N2'),
      ...plants`
        src/engine/cpu/kernels/rmsnorm.as.ts
        small eps-of-its-own: a millionth of a millionth is added to the mean
        - / <f32>channelCount + eps)
        + / <f32>channelCount + eps + <f32>1e-12)
      `,
    ],
  },
};
