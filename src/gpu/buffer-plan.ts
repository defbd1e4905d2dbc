// Which buffer each value of a program lives in: values whose lifetimes do not overlap share one. A tap copies a value
// right after its op, so it never sees a later one. Pure arithmetic.
import { operands, type Program, type ValueId } from '../engine/program/program.ts';

export interface BufferPlan {
  slotOf: ReadonlyMap<ValueId, number>;
  /** Widest value of each slot. */
  slotChannels: readonly number[];
}

export function planBuffers(program: Program): BufferPlan {
  const channels = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  const lastUse = new Map<ValueId, number>([[program.logits, program.ops.length]]);
  for (const [index, op] of program.ops.entries()) {
    const { reads, writes } = operands(op);
    for (const value of [...reads, writes]) lastUse.set(value, Math.max(index, lastUse.get(value) ?? 0));
  }
  const slotOf = new Map<ValueId, number>();
  const slots: { channels: number; freeFrom: number }[] = [];
  for (const [index, { out }] of program.ops.entries()) {
    const wanted = channels.get(out) ?? 0;
    const free = slots.filter(({ freeFrom }) => freeFrom < index);
    const fitting = free.filter((slot) => slot.channels >= wanted).toSorted((a, b) => a.channels - b.channels)[0];
    // A free one that is too narrow grows: nothing is allocated yet.
    const slot = fitting ?? free.toSorted((a, b) => b.channels - a.channels)[0] ?? { channels: 0, freeFrom: 0 };
    if (!slots.includes(slot)) slots.push(slot);
    slot.channels = Math.max(slot.channels, wanted);
    slot.freeFrom = lastUse.get(out) ?? index;
    slotOf.set(out, slots.indexOf(slot));
  }
  return { slotOf, slotChannels: slots.map((slot) => slot.channels) };
}
