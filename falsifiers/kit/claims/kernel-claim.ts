// One falsifier for every kernel: the kernel between guards on searched inputs and on inputs of trained models, against
// the float64 formula within the proven error budget; and on the inputs that Transformers recorded, against what it
// recorded, within both engines' budgets. What an op is stands with each claim.
import type fc from 'fast-check';
import type { Arithmetic } from '../../../src/diagnosis/reference/arithmetic.ts';
import type { Falsifier, Part, PartContext, PlantedFault } from '../../../src/runner/run/falsifier.ts';
import {
  budgetRatio,
  CPU_ARITHMETIC,
  differingElements,
  FOREIGN_ARITHMETIC,
  type Should,
} from '../judges/budget-ratio.ts';
import type { KernelRun } from '../judges/guarded-memory.ts';
import {
  LAYERS,
  LIVE_RUNS,
  PACK_RUNS,
  recordedRuns,
  SMOLLM2_LAYERS,
  smolLm2Run,
  trainedRuns,
  type StageRun,
} from '../models/trained-stages.ts';

/** One op of a run of a trained model. */
export interface StageCase<Input> {
  where: string;
  input: Input;
  /** What the run says comes out. */
  recorded: Float32Array;
}

/** A kernel, what it is tried on, and what it should write. */
export interface KernelTrial<Recipe, Input> {
  recipes: fc.Arbitrary<Recipe>;
  planned: number;
  /**
   * The op rounds once, so its result is one number: the bar counts elements whose bits are not those of the reference
   * rounded to float32, and no budget is asked.
   */
  isExact?: boolean;
  /** SmolLM2 has no such op: live inputs are the bundled model's alone. */
  isOfBundledAlone?: boolean;
  make(recipe: Recipe): Input;
  /** The product's kernel. */
  run(input: Input): Promise<KernelRun>;
  /** The float64 formula and the budget of an engine with this arithmetic. */
  should(input: Input, arithmetic: Arithmetic): Should;
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

/** What a bar is held against: of one run of the kernel. */
export async function judgeKernel<Input>(
  { isExact, run }: Pick<KernelTrial<unknown, Input>, 'isExact' | 'run'>,
  context: PartContext,
  input: Input,
  should: Should,
): Promise<number> {
  const { values, brokenGuards } = await run(input);
  context.output(plainBytes(values));
  if (isExact === true) return brokenGuards + differingElements(values, Float32Array.from(should.reference));
  return brokenGuards > 0 ? Infinity : budgetRatio(values, should);
}

/** The kernel on searched inputs. */
export function searchedInputs<Recipe, Input>(trial: KernelTrial<Recipe, Input>): Part {
  return {
    planned: trial.planned,
    run: (context) =>
      context.search(trial.recipes, context.planned, (recipe) => {
        const input = trial.make(recipe);
        return judgeKernel(trial, context, input, trial.should(input, CPU_ARITHMETIC));
      }),
  };
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

/** NaN payloads are free, so they must not reach the digest by which machines are compared. */
export function plainBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.map((value) => (Number.isNaN(value) ? Number.NaN : value)).buffer);
}
