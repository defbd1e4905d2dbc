// In what steps a run is judged, given the values that a subject shows: one op where all that it reads is there, else the
// stretch of ops from the nearest values that are. Structure only, no numbers.
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';

export interface JudgeStep {
  /** In program order; the last one writes the value that is judged. */
  ops: readonly [Op, ...Op[]];
  last: Op;
  /** Shown values that the ops read, in program order. */
  reads: ValueId[];
}

export interface JudgePlan {
  /** By the value that is judged. */
  steps: ReadonlyMap<ValueId, JudgeStep>;
  /** The last op, by index in the program, at whose step a shown value is read. */
  lastReads: ReadonlyMap<ValueId, number>;
}

/** @param isShown whether the subject shows a value */
export function planOf(program: Program, isShown: (value: ValueId) => boolean): JudgePlan {
  const writers = new Map(program.ops.map((op, index) => [op.out, { op, index }]));
  const steps = new Map<ValueId, JudgeStep>();
  const lastReads = new Map<ValueId, number>();
  for (const [index, last] of program.ops.entries()) {
    if (!isShown(last.out)) continue;
    const taken = new Map<number, Op>([[index, last]]);
    const reads = new Set<number>();
    const pending = [last];
    for (let op = pending.pop(); op !== undefined; op = pending.pop()) {
      for (const id of operands(op).reads) {
        const writer = writers.get(id);
        if (writer === undefined || taken.has(writer.index)) continue;
        if (isShown(id)) reads.add(writer.index);
        else {
          taken.set(writer.index, writer.op);
          pending.push(writer.op);
        }
      }
    }
    const inOrder = [...taken].toSorted(([a], [b]) => a - b).map(([, op]) => op);
    const ids = [...reads].toSorted((a, b) => a - b).flatMap((at) => program.ops[at]?.out ?? []);
    steps.set(last.out, { ops: inOrder as [Op, ...Op[]], last, reads: ids });
    for (const id of ids) lastReads.set(id, index);
  }
  return { steps, lastReads };
}
