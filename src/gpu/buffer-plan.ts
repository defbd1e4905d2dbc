// Which buffer each value of a plan lives in, and where in it: values whose lifetimes do not overlap share one. Values that one
// kernel makes at once lie side by side. A row is a whole number of quads. Pure arithmetic.
import type { Program, ValueId } from '../engine/program/program.ts';

/** Four floats: what a row is counted in. */
export function quadsOf(channelCount: number): number {
  return Math.ceil(channelCount / 4);
}

/** Place of a value: row r begins `at + r · stride` quads into its buffer. */
interface Where {
  slot: number;
  at: number;
  stride: number;
}

/** What a step of a plan reads, and what it writes; the values of one array lie side by side. */
export interface StepValues {
  reads: readonly ValueId[];
  writes: readonly (readonly ValueId[])[];
  /** Of what it reads, values that must lie side by side, whoever writes them. */
  together: readonly ValueId[];
}

export interface BufferPlan {
  whereOf: ReadonlyMap<ValueId, Where>;
  /** Quads of a row of each buffer. */
  slotQuads: readonly number[];
}

export function planBuffers(program: Program, steps: readonly StepValues[]): BufferPlan {
  const quads = new Map(program.values.map(({ id, channelCount }) => [id, quadsOf(channelCount)]));
  const lastUse = new Map<ValueId, number>([[program.logits, steps.length]]);
  for (const [index, { reads, writes }] of steps.entries()) {
    for (const value of [...reads, ...writes.flat()]) {
      lastUse.set(value, Math.max(index, lastUse.get(value) ?? 0));
    }
  }
  const setOf = new Map(steps.flatMap(({ together }) => together.map((value) => [value, together])));
  const whereOf = new Map<ValueId, Where>();
  const slots: { quads: number; freeFrom: number }[] = [];
  for (const [index, { writes }] of steps.entries()) {
    for (const written of writes) {
      const [first = ''] = written;
      if (whereOf.has(first)) continue;
      const group = setOf.get(first) ?? written;
      const stride = group.reduce((sum, value) => sum + (quads.get(value) ?? 0), 0);
      const free = slots.filter(({ freeFrom }) => freeFrom < index);
      const fitting = free.filter((slot) => slot.quads >= stride).toSorted((a, b) => a.quads - b.quads)[0];
      // A free one that is too narrow grows: nothing is allocated yet.
      const slot = fitting ?? free.toSorted((a, b) => b.quads - a.quads)[0] ?? { quads: 0, freeFrom: 0 };
      if (!slots.includes(slot)) slots.push(slot);
      slot.quads = Math.max(slot.quads, stride);
      slot.freeFrom = Math.max(...group.map((value) => lastUse.get(value) ?? index));
      let at = 0;
      for (const value of group) {
        whereOf.set(value, { slot: slots.indexOf(slot), at, stride });
        at += quads.get(value) ?? 0;
      }
    }
  }
  return { whereOf, slotQuads: slots.map((slot) => slot.quads) };
}
