// One falsifier for every kernel: the kernel on searched inputs (kernel-trial.ts) and on inputs of trained models, against
// the float64 formula within the proven error budget; and on the inputs that Transformers recorded, against what it
// recorded, within both engines' budgets. What an op is stands with each claim.
import type { Falsifier, PlantedFault } from '../../../src/runner/run/falsifier.ts';
import { CPU_ARITHMETIC, FOREIGN_ARITHMETIC, type Should } from '../judges/budget-ratio.ts';
import { SMOLLM2_LAYERS, smolLm2Run } from '../models/smollm2-stages.ts';
import { LAYERS, LIVE_RUNS, PACK_RUNS, recordedRuns, trainedRuns, type StageRun } from '../models/trained-stages.ts';
import { judgeKernel, searchedInputs, type KernelTrial } from './kernel-trial.ts';

/** One op of a run of a trained model. */
export interface StageCase<Input> {
  where: string;
  input: Input;
  /** What the run says comes out. */
  recorded: Float32Array;
}

export interface KernelClaim<Recipe, Input> extends KernelTrial<Recipe, Input> {
  /** Every op of one layer of a run. */
  ofLayer(run: StageRun, layer: number): StageCase<Input>[];
  /** How many `ofLayer` answers. */
  perLayer: number;
  /** Stages that `ofLayer` reads. */
  stages: readonly string[];
  faults: readonly PlantedFault[];
}

export function kernelClaim<Recipe, Input>(claim: KernelClaim<Recipe, Input>): Falsifier {
  const layerCases = (run: StageRun): StageCase<Input>[] =>
    run.layers.flatMap((layer) =>
      claim.ofLayer(run, layer).map((one) => ({ ...one, where: `${run.where}, layer ${layer}, ${one.where}` })),
    );
  const hasPublic = claim.isOfBundledAlone !== true;
  return {
    parts: {
      generated: searchedInputs(claim),
      live: {
        needs: hasPublic ? ['model:sums-2m', 'model:smollm2'] : ['model:sums-2m'],
        planned: (LIVE_RUNS * LAYERS + (hasPublic ? SMOLLM2_LAYERS.length : 0)) * claim.perLayer,
        async run(context) {
          const runs = [...(await trainedRuns(context)), ...(hasPublic ? [await smolLm2Run(context)] : [])];
          for (const { where, input } of runs.flatMap(layerCases)) {
            context.measure(await judgeKernel(claim, context, input, claim.should(input, CPU_ARITHMETIC)), where);
          }
        },
      },
      oracle: {
        planned: PACK_RUNS * LAYERS * claim.perLayer,
        async run(context) {
          for (const { where, input, recorded } of (await recordedRuns(context, claim.stages)).flatMap(layerCases)) {
            context.measure(await judgeKernel(claim, context, input, recordedWithin(claim, input, recorded)), where);
          }
        },
      },
    },
    faults: claim.faults,
  };
}

/** |ours − theirs| ≤ |ours − exact| + |exact − theirs|. */
function recordedWithin<Recipe, Input>(
  { should }: Pick<KernelClaim<Recipe, Input>, 'should'>,
  input: Input,
  recorded: Float32Array,
): Should {
  const [ours, theirs] = [should(input, CPU_ARITHMETIC).proven, should(input, FOREIGN_ARITHMETIC).proven];
  return { reference: recorded, proven: Float64Array.from(ours, (budget, i) => budget + (theirs[i] ?? Number.NaN)) };
}
