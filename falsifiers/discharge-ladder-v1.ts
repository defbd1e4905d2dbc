// Tries to break the level function: DESIGN §7 as code. Generated parts search through claims, receipts and dependencies
// in memory; live parts read levels off the real `pv` on toy projects that it ran. Not claimed here: that a receipt tells
// the truth about its run (evidence-integrity-v1).
import type { Falsifier, Part, PartContext, PlantedFault } from '../src/runner/run/falsifier.ts';
import { ladderStates, type LadderState } from './discharge-ladder-v1/facts.ts';
import * as laws from './discharge-ladder-v1/laws.ts';
import * as live from './discharge-ladder-v1/live.ts';

function changed(
  ...[id, size, title, find, replace]: [string, 'gross' | 'small', string, string, string]
): PlantedFault {
  return { id, size, title, inject: { kind: 'source', file: 'src/runner/level/derive-level.ts', find, replace } };
}

function searched(law: (state: LadderState) => number): Part {
  return { planned: 4_000, run: (context: PartContext) => context.search(ladderStates, context.planned, law) };
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-LADDER-001': {
    parts: { generated: searched(laws.countDifferences), live: { planned: live.ROW_CASES, run: live.measureRows } },
    faults: [
      changed(
        ...(['ladder-one-class-enough', 'gross', 'one required class is enough for every rung'] as const),
        ': perExecutor.every((missing) => missing.length === 0)',
        ': perExecutor.some((missing) => missing.length === 0)',
      ),
      changed(
        ...(['ladder-confirms-itself', 'small', 'a machine may confirm its own receipt'] as const),
        'confirmation.machine !== receipt.machine && agrees(confirmation, receipt)',
        'agrees(confirmation, receipt)',
      ),
    ],
  },

  'FALSIFY-LADDER-002': {
    parts: { generated: searched(laws.countRises), live: { planned: live.STEP_CASES, run: live.measureSteps } },
    faults: [
      changed(
        ...(['ladder-refutation-ignored', 'gross', 'a falsified part is no refusal'] as const),
        "for (const code of ['falsified', 'error'] as const)",
        "for (const code of ['error'] as const)",
      ),
      changed(
        ...([
          'ladder-worst-receipt-counts',
          'small',
          'the worst receipt of an executor decides, not the best',
        ] as const),
        'candidates.toSorted((a, b) => a.length - b.length)',
        'candidates.toSorted((a, b) => b.length - a.length)',
      ),
    ],
  },

  'FALSIFY-LADDER-003': {
    parts: { generated: searched(laws.countDependences), live: { planned: live.ORDER_CASES, run: live.measureOrder } },
    faults: [
      changed(
        ...(['ladder-caps-remembered', 'gross', 'caps of one question count in the next'] as const),
        'const caps: Cap[] = [];',
        'const caps: Cap[] = ((globalThis as { caps?: Cap[] }).caps ??= []);',
      ),
      changed(
        ...(['ladder-first-confirmation-only', 'small', 'only the first confirmation is looked at'] as const),
        'const isConfirmed = receipt.confirmations.some(',
        'const isConfirmed = receipt.confirmations.slice(0, 1).some(',
      ),
    ],
  },

  'FALSIFY-LADDER-004': {
    parts: { generated: searched(laws.countStale), live: { planned: live.STALE_CASES, run: live.measureStale } },
    faults: [
      changed(
        ...(['ladder-stale-counts', 'gross', 'a stale receipt counts as a fresh one'] as const),
        'const fresh = receipts.filter((receipt) => receipt.isFresh);',
        'const fresh = receipts;',
      ),
      changed(
        ...([
          'ladder-confirmed-never-stale',
          'small',
          'a receipt that another machine confirmed is never stale',
        ] as const),
        'const fresh = receipts.filter((receipt) => receipt.isFresh);',
        'const fresh = receipts.filter((receipt) => receipt.isFresh || receipt.confirmations.length > 0);',
      ),
    ],
  },

  'FALSIFY-LADDER-005': {
    parts: { generated: searched(laws.countBrokenCaps), live: { planned: live.CAP_CASES, run: live.measureCaps } },
    faults: [
      changed(
        ...(['ladder-caps-ignored', 'gross', 'no cap holds a level down'] as const),
        'caps.reduce((lowest, cap) => lowerLevel(lowest, cap.level), earned)',
        'earned',
      ),
      changed(
        ...(['ladder-flaky-elsewhere-ignored', 'small', 'a machine that found a part flaky only disputes it'] as const),
        "if (confirmation.verdict === 'flaky') {",
        "if (confirmation.verdict === 'flaky' && confirmation.machine === receipt.machine) {",
      ),
    ],
  },

  'FALSIFY-LADDER-006': {
    parts: { generated: searched(laws.countHollow), live: { planned: live.HOLLOW_CASES, run: live.measureHollow } },
    faults: [
      changed(
        ...(['ladder-count-unchecked', 'gross', 'a part that survived is enough, however many cases it ran'] as const),
        'return part.planned > 0 && part.executed === part.planned',
        'return part.planned >= 0',
      ),
      changed(
        ...(['ladder-nothing-of-nothing', 'small', 'none of no planned cases is a pass'] as const),
        'return part.planned > 0 && part.executed === part.planned',
        'return part.executed === part.planned',
      ),
      changed(
        ...(['ladder-untried-fault', 'small', 'a planted fault that was not tried counts as seen'] as const),
        "if (verdict === 'red') return [];",
        "if (verdict === 'red' || verdict === 'not-run') return [];",
      ),
    ],
  },
};
