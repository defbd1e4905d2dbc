// Tries to break the level function: DESIGN §7 as code. Generated parts search through claims, receipts and dependencies
// in memory; live parts read levels off the real `pv` on toy projects that it ran. Not claimed here: that a receipt tells
// the truth about its run (evidence-integrity-v1).
import type { Falsifier, Part, PartContext } from '../src/runner/run/falsifier.ts';
import { ladderStates, type LadderState } from './discharge-ladder-v1/facts.ts';
import * as laws from './discharge-ladder-v1/laws.ts';
import * as live from './discharge-ladder-v1/live.ts';
import { plants } from './kit/claims/plants.ts';

function searched(law: (state: LadderState) => number): Part {
  return { planned: 4_000, run: (context: PartContext) => context.search(ladderStates, context.planned, law) };
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-LADDER-001': {
    parts: { generated: searched(laws.countDifferences), live: { planned: live.ROW_CASES, run: live.measureRows } },
    faults: plants`
      src/runner/level/derive-level.ts
      gross ladder-one-class-enough: one required class is enough for every rung
      - : perExecutor.every((missing) => missing.length === 0)
      + : perExecutor.some((missing) => missing.length === 0)
      small ladder-confirms-itself: a machine may confirm its own receipt
      - confirmation.machine !== receipt.machine && agrees(confirmation, receipt)
      + agrees(confirmation, receipt)
    `,
  },

  'FALSIFY-LADDER-002': {
    parts: { generated: searched(laws.countRises), live: { planned: live.STEP_CASES, run: live.measureSteps } },
    faults: plants`
      src/runner/level/derive-level.ts
      gross ladder-refutation-ignored: a falsified part is no refusal
      - for (const code of ['falsified', 'error'] as const)
      + for (const code of ['error'] as const)
      small ladder-worst-receipt-counts: the worst receipt of an executor decides, not the best
      - candidates.toSorted((a, b) => a.length - b.length)
      + candidates.toSorted((a, b) => b.length - a.length)
    `,
  },

  'FALSIFY-LADDER-003': {
    parts: { generated: searched(laws.countDependences), live: { planned: live.ORDER_CASES, run: live.measureOrder } },
    faults: plants`
      src/runner/level/derive-level.ts
      gross ladder-caps-remembered: caps of one question count in the next
      - const caps: Cap[] = [];
      + const caps: Cap[] = ((globalThis as { caps?: Cap[] }).caps ??= []);
      small ladder-first-confirmation-only: only the first confirmation is looked at
      - const isConfirmed = receipt.confirmations.some(
      + const isConfirmed = receipt.confirmations.slice(0, 1).some(
    `,
  },

  'FALSIFY-LADDER-004': {
    parts: { generated: searched(laws.countStale), live: { planned: live.STALE_CASES, run: live.measureStale } },
    faults: plants`
      src/runner/level/derive-level.ts
      gross ladder-stale-counts: a stale receipt counts as a fresh one
      - const fresh = receipts.filter((receipt) => receipt.isFresh);
      + const fresh = receipts;
      small ladder-confirmed-never-stale: a receipt that another machine confirmed is never stale
      - const fresh = receipts.filter((receipt) => receipt.isFresh);
      + const fresh = receipts.filter((receipt) => receipt.isFresh || receipt.confirmations.length > 0);
    `,
  },

  'FALSIFY-LADDER-005': {
    parts: { generated: searched(laws.countBrokenCaps), live: { planned: live.CAP_CASES, run: live.measureCaps } },
    faults: plants`
      src/runner/level/derive-level.ts
      gross ladder-caps-ignored: no cap holds a level down
      - caps.reduce((lowest, cap) => lowerLevel(lowest, cap.level), earned)
      + earned
      small ladder-flaky-elsewhere-ignored: a machine that found a part flaky only disputes it
      - if (confirmation.verdict === 'flaky') {
      + if (confirmation.verdict === 'flaky' && confirmation.machine === receipt.machine) {
    `,
  },

  'FALSIFY-LADDER-006': {
    parts: { generated: searched(laws.countHollow), live: { planned: live.HOLLOW_CASES, run: live.measureHollow } },
    faults: plants`
      src/runner/level/derive-level.ts
      gross ladder-count-unchecked: a part that survived is enough, however many cases it ran
      - return part.planned > 0 && part.executed === part.planned
      + return part.planned >= 0
      small ladder-nothing-of-nothing: none of no planned cases is a pass
      - return part.planned > 0 && part.executed === part.planned
      + return part.executed === part.planned
      small ladder-untried-fault: a planted fault that was not tried counts as seen
      - if (verdict === 'red') return [];
      + if (verdict === 'red' || verdict === 'not-run') return [];
    `,
  },
};
