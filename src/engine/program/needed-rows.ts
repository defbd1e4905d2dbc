// Which rows of a run each op has to compute. Everything that feeds a key-value cache or a tap: all. What only leads
// to the logits: the rows of the logits that are asked for. The rest: none.
import type { RunRequest } from './executor.ts';
import { operands, type Program, type ValueId } from './program.ts';

export type NeededRows = 'none' | 'last' | 'all';

/** One entry per op. Rows are independent of each other outside of attention, so leaving rows out changes no bit. */
export function neededRows(
  program: Program,
  logits: RunRequest['logits'],
  tapped: ReadonlySet<ValueId> | undefined,
): NeededRows[] {
  const needs = new Map<ValueId, NeededRows>([[program.logits, logits]]);
  for (const value of tapped ?? []) needs.set(value, 'all');
  const rows: NeededRows[] = [];
  for (const op of program.ops.toReversed()) {
    const { reads, writes } = operands(op);
    // Attention must see every row: it fills the cache.
    const need = op.op === 'attention' ? 'all' : (needs.get(writes) ?? 'none');
    rows.push(need);
    for (const value of reads) needs.set(value, more(needs.get(value) ?? 'none', need));
  }
  return rows.toReversed();
}

function more(a: NeededRows, b: NeededRows): NeededRows {
  if (a === 'all' || b === 'all') return 'all';
  return a === 'none' ? b : a;
}
