// How far an op's result may move where its inputs deviate: whatever the deviations, the oracle's formula stays within,
// and on the worst pattern of small ones it comes near.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arithmeticOf } from '../../../src/diagnosis/reference/arithmetic.ts';
import type { BudgetInputs } from '../../../src/diagnosis/ops/judgement.ts';
import { judgementOf } from '../../../src/diagnosis/ops/judgements.ts';
import { CPU_PROFILE } from '../../../src/engine/cpu/cpu-profile.ts';
import { RandomSource, type Op } from '../../../src/engine/index.ts';
import { attention } from '../../../src/oracles/float64/ops/attention.ts';
import { gelu } from '../../../src/oracles/float64/ops/gelu.ts';
import { moeRoute } from '../../../src/oracles/float64/ops/moe-route.ts';
import { moeSum } from '../../../src/oracles/float64/ops/moe-sum.ts';
import { rmsnorm } from '../../../src/oracles/float64/ops/rmsnorm.ts';
import { ropeFrequencies } from '../../../src/oracles/float64/ops/rope-frequencies.ts';
import { rope } from '../../../src/oracles/float64/ops/rope.ts';
import { silu } from '../../../src/oracles/float64/ops/silu.ts';
import { softcap } from '../../../src/oracles/float64/ops/softcap.ts';

const SEED = 20_261_127;
const arithmetic = arithmeticOf(CPU_PROFILE);

/** An op on random inputs; operands of which `isExact` says so never deviate. */
interface Case {
  op: Op;
  inputs: Float64Array[];
  isExact?: (operand: number) => boolean;
  evaluate: (inputs: readonly Float64Array[]) => Float64Array;
  given?: Partial<BudgetInputs>;
}

type Draw = (count: number) => Float64Array;
type Whole = (least: number, most: number) => number;

const ROWS = 2;
const none = new Float64Array(0);

const CASES: Readonly<Record<string, (draw: Draw, whole: Whole) => Case>> = {
  rmsnorm: (draw, whole) => norm(draw, 1, whole(1, 12), whole(0, 1)),
  'rmsnorm per head': (draw, whole) => norm(draw, whole(2, 3), whole(1, 6), whole(0, 1)),
  addBias: (draw) => {
    const bias = draw(5);
    const op: Op = { op: 'addBias', in: 'x', weight: 'w', out: 'y' };
    return { op, inputs: [draw(10)], evaluate: ([x = none]) => x.map((value, i) => value + (bias[i % 5] ?? 0)) };
  },
  add: (draw) => ({
    op: { op: 'add', a: 'a', b: 'b', out: 'y' },
    inputs: [draw(6), draw(6)],
    evaluate: ([a = none, b = none]) => a.map((value, i) => value + (b[i] ?? 0)),
  }),
  mul: (draw) => ({
    op: { op: 'mul', a: 'a', b: 'b', out: 'y' },
    inputs: [draw(6), draw(6)],
    evaluate: ([a = none, b = none]) => a.map((value, i) => value * (b[i] ?? 0)),
  }),
  scale: (draw) => ({
    op: { op: 'scale', in: 'x', factor: -1.75, out: 'y' },
    inputs: [draw(6)],
    evaluate: ([x = none]) => x.map((value) => -1.75 * value),
  }),
  softcap: (draw) => ({
    op: { op: 'softcap', in: 'x', cap: 3, out: 'y' },
    inputs: [draw(6)],
    evaluate: ([x = none]) => softcap(x, 3),
  }),
  silu: (draw) => ({
    op: { op: 'silu', in: 'x', out: 'y' },
    inputs: [draw(6)],
    evaluate: ([x = none]) => silu(x),
  }),
  gelu: (draw) => ({
    op: { op: 'gelu', in: 'x', out: 'y' },
    inputs: [draw(6)],
    evaluate: ([x = none]) => gelu(x),
  }),
  rope(draw, whole) {
    const yarn = { type: 'yarn', factor: 4, betaFast: 32, betaSlow: 1, isTruncated: true } as const;
    const op = {
      op: 'rope',
      in: 'x',
      out: 'y',
      headCount: 2,
      headDim: 6,
      rope: {
        theta: 100,
        rotaryDim: 4,
        pairing: whole(0, 1) === 0 ? 'norm' : 'neox',
        scaling: whole(0, 1) === 0 ? { type: 'none' } : { ...yarn, originalContextLength: 64, attentionFactor: 1.139 },
      },
    } as const satisfies Op;
    const firstPosition = whole(0, 90);
    return {
      op,
      inputs: [draw(ROWS * 12)],
      evaluate: ([x = none]) => rope(op, x, firstPosition, null),
      given: { firstPosition, frequencies: ropeFrequencies(op.rope, null) },
    };
  },
  attention: (draw, whole) => attend(draw, whole, {}),
  'attention with a softcap': (draw, whole) => attend(draw, whole, { softcap: 2 }),
  'attention with a window': (draw, whole) => attend(draw, whole, { window: 2 }),
  moeSum: (draw) => ({
    op: { op: 'moeSum', in: 'x', shares: 's', out: 'y' },
    inputs: [draw(ROWS * 3 * 4), draw(ROWS * 3)],
    evaluate: ([x = none, shares = none]) => moeSum(x, shares, ROWS),
  }),
  moeRoute(draw, whole) {
    const isRenormalised = whole(0, 1) === 0;
    return {
      op: { op: 'moeRoute', in: 'l', experts: 'e', isRenormalised, out: 's' },
      // Not so far apart that the formula's own powers underflow.
      inputs: [draw(ROWS * 5).map((logit) => Math.max(-10, Math.min(10, logit))), Float64Array.of(4, 1, 0, 3)],
      isExact: (operand) => operand === 1,
      evaluate: ([logits = none, experts = none]) => moeRoute(logits, experts, { rowCount: ROWS, isRenormalised }),
    };
  },
};

function norm(draw: Draw, headCount: number, width: number, gainOffset: number): Case {
  const [gain, eps] = [draw(width), 1e-3];
  const own = gain.map((factor) => factor + gainOffset);
  const op: Op = { op: 'rmsnorm', in: 'x', weight: 'w', eps, out: 'y', gainOffset };
  return {
    op: headCount === 1 ? op : { ...op, headCount },
    inputs: [draw(ROWS * headCount * width)],
    evaluate: ([x = none]) => rmsnorm(x, own, eps),
    given: { gain },
  };
}

function attend(draw: Draw, whole: Whole, also: { softcap?: number; window?: number }): Case {
  const [headCount, kvHeadCount, headDim] = [4, 2, 3];
  const positions = ROWS + whole(0, 5);
  const names = { q: 'q', k: 'k', v: 'v', out: 'y' };
  const op = {
    op: 'attention',
    ...names,
    layer: 0,
    headCount,
    kvHeadCount,
    headDim,
    scale: 0.7,
    window: null,
    ...also,
  } as const;
  // Keys that all have much in common, as a bias makes them.
  const common = draw(kvHeadCount * headDim);
  const keys = draw(positions * kvHeadCount * headDim).map((key, i) => key + 3 * (common[i % common.length] ?? 0));
  const values = draw(keys.length);
  return {
    op,
    inputs: [draw(ROWS * headCount * headDim), keys, values],
    evaluate: ([q = none, k = none, v = none]) => attention(op, q, k, v),
    given: { cache: { keys, values } },
  };
}

/** Gaussian, with a massive one and a zero now and then. */
function drawFrom(random: RandomSource): Draw {
  const one = (): number => {
    const gauss = Math.sqrt(-2 * Math.log(1 - random.nextUnit())) * Math.cos(2 * Math.PI * random.nextUnit());
    const kind = random.nextUnit();
    return kind < 0.05 ? 0 : kind < 0.1 ? 30 * gauss : gauss;
  };
  return (count) => Float64Array.from({ length: count }, one);
}

interface Trial {
  inputs: Float64Array[];
  deviations: (Float64Array | null)[];
  y: Float64Array;
  bound: Float64Array;
  evaluate: Case['evaluate'];
  random: RandomSource;
}

/** @param size of the deviations beside the inputs */
function trialOf(make: (draw: Draw, whole: Whole) => Case, seed: number, size: number): Trial {
  const random = new RandomSource(seed);
  const draw = drawFrom(random);
  const { op, inputs, isExact, evaluate, given } = make(
    draw,
    (least, most) => least + (random.nextUint32() % (most - least + 1)),
  );
  const deviations = inputs.map((x, operand) =>
    isExact?.(operand) === true ? null : x.map((value) => size * random.nextUnit() * (Math.abs(value) + 0.1)),
  );
  const y = evaluate(inputs);
  const all: BudgetInputs = {
    arithmetic,
    inputs,
    reference: y,
    rowCount: ROWS,
    firstPosition: 0,
    isWeightRounded: false,
    ...given,
  };
  const bound = judgementOf(op.op).carry?.(op, all, deviations) ?? none;
  return { inputs, deviations, y, bound, evaluate, random };
}

/** Every input off by its deviation times what the pattern says, −1 to 1. */
function moved({ inputs, deviations }: Trial, pattern: (operand: number, i: number) => number): Float64Array[] {
  return inputs.map((x, operand) => x.map((value, i) => value + pattern(operand, i) * (deviations[operand]?.[i] ?? 0)));
}

/** The pattern that takes one element furthest to first order, found input by input. */
function worstFor(trial: Trial, element: number): (operand: number, i: number) => number {
  const signs = trial.inputs.map((x, operand) =>
    x.map((_, i) => {
      const pushed = trial.evaluate(moved(trial, (o, j) => (o === operand && i === j ? 1e-3 : 0)));
      return Math.sign((pushed[element] ?? 0) - (trial.y[element] ?? 0));
    }),
  );
  return (operand, i) => signs[operand]?.[i] ?? 0;
}

/** How much of the bound is reached; float64's own roundings aside. */
function shareOf({ y, bound, evaluate }: Trial, inputs: readonly Float64Array[], element: number): number {
  const away = Math.abs((evaluate(inputs)[element] ?? Number.NaN) - (y[element] ?? 0));
  const noise = 1e-13 * (1 + Math.abs(y[element] ?? 0));
  return away <= noise ? 0 : (away - noise) / (bound[element] ?? Number.NaN);
}

describe.each(Object.entries(CASES))('what %s carries', (_, make) => {
  const sizes = fc.constantFrom(1e-7, 1e-3, 0.1, 1, 20);

  it('is never exceeded', () => {
    let checked = 0;
    fc.assert(
      fc.property(fc.nat(), sizes, (seed, size) => {
        const trial = trialOf(make, seed, size);
        const element = seed % trial.y.length;
        const worst = worstFor(trial, element);
        const sign = (): number => (trial.random.nextUint32() % 2 === 0 ? 1 : -1);
        const within = (): number => 2 * trial.random.nextUnit() - 1;
        for (const pattern of [worst, (o: number, i: number) => -worst(o, i), sign, sign, within]) {
          const inputs = moved(trial, pattern);
          for (const i of trial.y.keys()) {
            expect(shareOf(trial, inputs, i)).toBeLessThanOrEqual(1 + 1e-6);
            checked += 1;
          }
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
    expect(checked).toBeGreaterThan(5_000);
  });

  it('is reached by a quarter on the worst pattern of small deviations', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const trial = trialOf(make, seed, 1e-5);
        const element = seed % trial.y.length;
        const worst = worstFor(trial, element);
        const share = Math.max(
          shareOf(trial, moved(trial, worst), element),
          shareOf(
            trial,
            moved(trial, (o, i) => -worst(o, i)),
            element,
          ),
        );
        if ((trial.bound[element] ?? 0) > 1e-9) expect(share).toBeGreaterThan(0.25);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});
