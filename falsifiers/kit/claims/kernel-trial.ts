// A kernel between guards on searched inputs, against the float64 formula within the proven error budget. On the inputs of
// trained models: kernel-claim.ts.
import type fc from 'fast-check';
import type { Arithmetic } from '../../../src/diagnosis/reference/arithmetic.ts';
import type { Part, PartContext } from '../../../src/runner/run/falsifier.ts';
import { budgetRatio, CPU_ARITHMETIC, differingElements, type Should } from '../judges/budget-ratio.ts';
import type { KernelRun } from '../judges/guarded-memory.ts';

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

/** NaN payloads are free, so they must not reach the digest by which machines are compared. */
export function plainBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.map((value) => (Number.isNaN(value) ? Number.NaN : value)).buffer);
}
