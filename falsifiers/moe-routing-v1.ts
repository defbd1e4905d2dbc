// Tries to find router logits of which the CPU kernels choose other experts, or make other shares of them, than the formula
// says, and answers that they sum with shares not theirs. Searched inputs, and what Transformers recorded of untrained
// models. Not claimed: a trained model with experts, of which there is none here; the experts themselves (moe-experts.ts);
// the whole layer (hf-parity-qwen3moe-v1).
import fc from 'fast-check';
import { gamma } from '../src/diagnosis/reference/arithmetic.ts';
import { EXPONENTIAL_FAULTS } from '../src/diagnosis/faults/exponential.ts';
import { moeRouteJudgement } from '../src/diagnosis/ops/moe-route.ts';
import { moeSelectJudgement } from '../src/diagnosis/ops/moe-select.ts';
import { moeSumJudgement } from '../src/diagnosis/ops/moe-sum.ts';
import { moeRoute } from '../src/oracles/float64/ops/moe-route.ts';
import { moeSum } from '../src/oracles/float64/ops/moe-sum.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { CPU_ARITHMETIC, type Should } from './kit/judges/budget-ratio.ts';
import { judgeKernel, searchedInputs } from './kit/claims/kernel-trial.ts';
import {
  LARGEST,
  makeValues,
  NON_FINITE,
  SMALL_SPECIALS,
  TAIL_LENGTHS,
  valuesRecipe,
} from './kit/arbitraries/kernel-values.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';
import {
  RECORDED_ROUTINGS,
  recordedRoutings,
  type RecordedRouting,
  type Routing,
} from './kit/models/recorded-routings.ts';
import {
  chosenIds,
  choose,
  makeRouting,
  routingRecipes,
  share,
  sumSlots,
  type Slots,
} from './moe-routing-v1/routing.ts';

/** Where the exponential leaves the normal numbers, and where it ends. */
const EDGES = [88.8, -87.4, -103.9, 1_000];
const FINITE = [...SMALL_SPECIALS, ...LARGEST, ...EDGES];

const choice = {
  recipes: routingRecipes([...FINITE, ...NON_FINITE]),
  planned: 400,
  isExact: true,
  make: makeRouting,
  run: choose,
  should: (routing: Routing): Should => ({ reference: chosenIds(routing), proven: [] }),
};

const shares = {
  recipes: routingRecipes([...FINITE, ...NON_FINITE]),
  planned: 400,
  make: makeRouting,
  run: share,
  should(routing: Routing): Should {
    const { rowCount, isRenormalised } = routing;
    const [logits, experts] = [Float64Array.from(routing.logits), chosenIds(routing)];
    return moeRouteJudgement.budget(
      { op: 'moeRoute', in: 'l', experts: 'e', isRenormalised, out: 's' },
      {
        arithmetic: CPU_ARITHMETIC,
        inputs: [logits, experts],
        reference: moeRoute(logits, experts, { rowCount, isRenormalised }),
        rowCount,
        firstPosition: 0,
        isWeightRounded: false,
      },
    );
  },
};

const sums = {
  recipes: fc.record({
    rowCount: fc.integer({ min: 1, max: 3 }),
    usedCount: fc.constantFrom(1, 2, 3, 4, 8, 9, 33),
    channelCount: fc.constantFrom(...TAIL_LENGTHS.filter((length) => length < 300)),
    x: valuesRecipe([0, -4, 3, -22, -40, 18], [...SMALL_SPECIALS, ...NON_FINITE]),
    shares: valuesRecipe([0, -4, -22, -40], SMALL_SPECIALS),
  }),
  planned: 300,
  make: ({ rowCount, usedCount, channelCount, ...of }: SumRecipe): Slots => ({
    rowCount,
    usedCount,
    x: makeValues(of.x, rowCount * usedCount * channelCount),
    shares: makeValues(of.shares, rowCount * usedCount),
  }),
  run: sumSlots,
  should({ rowCount, ...of }: Slots): Should {
    const [x, given] = [Float64Array.from(of.x), Float64Array.from(of.shares)];
    return moeSumJudgement.budget(
      { op: 'moeSum', in: 'x', shares: 's', out: 'y' },
      {
        arithmetic: CPU_ARITHMETIC,
        inputs: [x, given],
        reference: moeSum(x, given, rowCount),
        rowCount,
        firstPosition: 0,
        isWeightRounded: false,
      },
    );
  },
};

interface SumRecipe {
  rowCount: number;
  usedCount: number;
  channelCount: number;
  x: Parameters<typeof makeValues>[0];
  shares: Parameters<typeof makeValues>[0];
}

/**
 * Shares are e_s / D with D the rounded sum of those same e_s, so the exponential's error cancels: what is left are the
 * sum's roundings and one quotient each, and what underflows. A share outside of [0, 1] is outside of any budget.
 */
function unitSumRatio(routing: Routing, given: Float32Array): number {
  const { usedCount } = routing;
  const { unit, tiny } = CPU_ARITHMETIC;
  const budget = gamma(usedCount, unit) + usedCount * tiny;
  let worst = 0;
  for (let first = 0; first < given.length; first += usedCount) {
    const row = given.subarray(first, first + usedCount);
    const off = row.reduce((sum, one) => sum + one, 0) - 1;
    const ratio = row.every((one) => one >= 0 && one <= 1) ? Math.abs(off) / budget : Infinity;
    worst = Math.max(worst, ratio);
  }
  return worst;
}

/** Logits that were rounded to float32 move each share by e^(2u·max|l|) at most. */
function recordedShares({ routing, shares: recorded }: RecordedRouting): Should {
  const { unit } = CPU_ARITHMETIC;
  const size = routing.logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
  const { proven } = shares.should(routing);
  const moved = Math.expm1(2 * unit * size);
  return { reference: recorded, proven: Float64Array.from(recorded, (one, i) => (proven[i] ?? NaN) + moved * one) };
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MOER-001': {
    parts: {
      generated: searchedInputs(choice),
      oracle: {
        planned: RECORDED_ROUTINGS,
        async run(context) {
          for (const { where, routing, ids } of await recordedRoutings(context)) {
            context.measure(await judgeKernel(choice, context, routing, { reference: ids, proven: [] }), where);
          }
        },
      },
    },
    faults: [
      ...known(moeSelectJudgement.faults, 'M6 M6-small'),
      ...plants`
        src/engine/cpu/kernels/moe.as.ts
        gross chosen-twice: the expert chosen last may be chosen again
        - for (let slot = 0; slot < count; slot++) if
        + for (let slot = 0; slot < count - 1; slot++) if
        small last-slot-missing: one expert too few is chosen
        - for (let slot = 0; slot < usedCount; slot++) {
        -       let best
        + for (let slot = 0; slot < max(1, usedCount - 1); slot++) {
        +       let best
        small compared-as-bfloat16: logits are compared by their upper 16 bits
        - !(at(logits, id) > at(logits, best))
        + !(reinterpret<f32>(reinterpret<u32>(at(logits, id)) & 0xffff0000) > reinterpret<f32>(reinterpret<u32>(at(logits, best)) & 0xffff0000))
      `,
      ...known(moeSelectJudgement.faults, 'M6-in-oracle'),
    ],
  },
  'FALSIFY-MOER-002': {
    parts: {
      generated: searchedInputs(shares),
      oracle: {
        planned: RECORDED_ROUTINGS,
        async run(context) {
          for (const recorded of await recordedRoutings(context)) {
            const { where, routing } = recorded;
            context.measure(await judgeKernel(shares, context, routing, recordedShares(recorded)), where);
          }
        },
      },
    },
    faults: [
      ...known(moeRouteJudgement.faults, 'M4 M4-small'),
      ...plants`
        src/engine/cpu/kernels/moe.as.ts
        gross renormalisation-omitted: shares are never renormalised
        - const rowBytes = <usize>usedCount << 2;
        + isRenormalised = false; const rowBytes = <usize>usedCount << 2;
        gross softmax-of-the-chosen: the softmax is over the chosen ones where it must be over all
        - const rowBytes = <usize>usedCount << 2;
        + isRenormalised = true; const rowBytes = <usize>usedCount << 2;
        gross largest-not-taken-away: the largest logit is not taken away before the exponential
        - for (let id = 1; id < expertCount; id++) largest = max<f32>(largest, at(logits, id));
        + largest = 0;
        small last-expert-not-summed: the last expert is missing from the sum over all
        - for (let id = 0; id < expertCount; id++) total +=
        + for (let id = 0; id < max(1, expertCount - 1); id++) total +=
        small nan-swallowed: a NaN logit that comes late is not seen where the largest is looked for
        - largest = max<f32>(largest, at(logits, id));
        + if (at(logits, id) > largest) largest = at(logits, id);
      `,
      ...known(EXPONENTIAL_FAULTS, 'P7-small'),
      ...known(moeRouteJudgement.faults, 'M4-in-oracle'),
      ...plants`
        src/engine/cpu/kernels/moe.as.ts
        gross renormalisation-omitted-in-oracle in oracle: shares are never renormalised
        - const rowBytes = <usize>usedCount << 2;
        + isRenormalised = false; const rowBytes = <usize>usedCount << 2;
      `,
    ],
  },
  'FALSIFY-MOER-003': {
    parts: {
      generated: {
        planned: 400,
        run: (context) =>
          context.search(routingRecipes(FINITE), context.planned, async (recipe) => {
            // Of all experts the shares add up to 1 by either rule.
            const routing = makeRouting(recipe.isRenormalised ? recipe : { ...recipe, used: 'all' });
            const { values, brokenGuards } = await share(routing);
            context.output(new Uint8Array(values.buffer));
            return brokenGuards > 0 ? Infinity : unitSumRatio(routing, values);
          }),
      },
    },
    faults: plants`
      src/engine/cpu/kernels/moe.as.ts
      gross renormalisation-omitted: shares are never renormalised
      - const rowBytes = <usize>usedCount << 2;
      + isRenormalised = false; const rowBytes = <usize>usedCount << 2;
      small last-share-not-summed: the last of several shares is missing from the sum
      - if (isRenormalised) total += share;
      + if (isRenormalised && (slot == 0 || slot + 1 < usedCount)) total += share;
      small quotients-cut: the last 3 of 24 bits of every share are cleared
      - at(out, slot) / total)
      + reinterpret<f32>(reinterpret<u32>(at(out, slot) / total) & 0xfffffff8))
    `,
  },
  'FALSIFY-MOER-005': {
    parts: { generated: searchedInputs(sums) },
    faults: [
      ...known(moeSumJudgement.faults, 'M5-shares M5-shares-small'),
      ...plants`
        src/engine/cpu/kernels/moe.as.ts
        gross unweighted: answers are added without their shares
        - at(shares, slot) * at(x, slot * channelCount + channel)
        + at(x, slot * channelCount + channel)
        small sums-cut: the last 7 of 24 bits of every sum are cleared
        - store<f32>(out, sum)
        + store<f32>(out, reinterpret<f32>(reinterpret<u32>(sum) & 0xffffff80))
      `,
    ],
  },
};
