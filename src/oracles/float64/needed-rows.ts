// Which rows of a run an op has to be evaluated on. Rows meet each other in attention alone, so what only leads to the
// logits is evaluated on the rows of the logits that are asked for: a head over a large vocabulary is most of the work.
import type { RunRequest } from '../../engine/program/executor.ts';
import { operands, type Program, type ValueId } from '../../engine/program/program.ts';

export type NeededRows = 'none' | 'last' | 'all';

/** One entry per op, in program order. */
export function neededRows(
  { ops, logits }: Program,
  wanted: RunRequest['logits'],
  tapped: ReadonlySet<ValueId>,
): NeededRows[] {
  const needs = new Map<ValueId, NeededRows>([[logits, wanted]]);
  const need = (id: ValueId): NeededRows => (tapped.has(id) ? 'all' : (needs.get(id) ?? 'none'));
  const rows: NeededRows[] = [];
  // Last op first: what an op needs of its inputs follows from what is needed of its output.
  for (let index = ops.length - 1; index >= 0; index -= 1) {
    const op = ops[index];
    if (op === undefined) continue;
    // Attention also fills the cache for later runs.
    const own = op.op === 'attention' ? 'all' : need(op.out);
    rows[index] = own;
    for (const id of operands(op).reads) if (own === 'all' || need(id) === 'none') needs.set(id, own);
  }
  return rows;
}
