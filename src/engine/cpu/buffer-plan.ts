// Where the values of a program live while a chunk of positions runs: one buffer per value and bank that reads it.
// Buffers of values whose lifetimes do not overlap share their bytes; a tap copies a value right after its op, so it
// never sees a reused buffer. Pure arithmetic; nothing is allocated here.
import { alignedByteLength } from './kernels/kernel-memory.ts';
import { operands, type Op, type Program, type ValueId } from '../program/program.ts';
import type { BankPlan } from './bank-plan.ts';

/** One op, or the copy of a value into a bank that reads it. `opIndex`: the op, or the one that wrote the value. */
export type Step =
  | { kind: 'op'; op: Op; opIndex: number; bank: number }
  | { kind: 'copy'; value: ValueId; opIndex: number; from: number; to: number };

export interface BufferPlan {
  steps: readonly Step[];
  /** Byte offset of a value's buffer within a bank's scratch. */
  offsetOf(bank: number, value: ValueId): number;
  /** Scratch bytes per bank. */
  scratchByteLengths: readonly number[];
}

interface Slot {
  byteOffset: number;
  byteLength: number;
  isFree: boolean;
}

/** @param chunkPositions rows of every buffer */
export function planBuffers(program: Program, banks: BankPlan, chunkPositions: number): BufferPlan {
  const steps = stepsOf(program, banks);
  const channels = new Map(program.values.map((value) => [value.id, value.channelCount]));
  const lastUses = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    for (const key of keysOf(step)) lastUses.set(key, index);
  }
  lastUses.set(logitsKey(program, banks), steps.length);

  const slots: Slot[][] = Array.from({ length: banks.bankCount }, () => []);
  const slotOf = new Map<string, Slot>();
  for (const [index, step] of steps.entries()) {
    const [bank, value] = step.kind === 'op' ? [step.bank, step.op.out] : [step.to, step.value];
    const byteLength = alignedByteLength(4 * chunkPositions * (channels.get(value) ?? 0));
    slotOf.set(key(bank, value), takeSlot(slots[bank] ?? [], byteLength));
    for (const used of keysOf(step)) {
      const slot = slotOf.get(used);
      if (slot !== undefined && lastUses.get(used) === index) slot.isFree = true;
    }
  }
  return {
    steps,
    offsetOf: (bank, value) => slotOf.get(key(bank, value))?.byteOffset ?? 0,
    scratchByteLengths: slots.map((list) => list.reduce((sum, slot) => sum + slot.byteLength, 0)),
  };
}

/** The ops in program order, each value copied once into each other bank that reads it, before its first reader. */
function stepsOf(program: Program, { opBanks }: BankPlan): Step[] {
  const steps: Step[] = [];
  const writers = new Map<ValueId, { opIndex: number; bank: number }>();
  const present = new Set<string>();
  for (const [opIndex, op] of program.ops.entries()) {
    const bank = opBanks[opIndex] ?? 0;
    const { reads, writes } = operands(op);
    for (const value of reads) {
      const writer = writers.get(value);
      if (writer === undefined || present.has(key(bank, value))) continue;
      steps.push({ kind: 'copy', value, opIndex: writer.opIndex, from: writer.bank, to: bank });
      present.add(key(bank, value));
    }
    steps.push({ kind: 'op', op, opIndex, bank });
    writers.set(writes, { opIndex, bank });
    present.add(key(bank, writes));
  }
  return steps;
}

function keysOf(step: Step): string[] {
  if (step.kind === 'copy') return [key(step.from, step.value), key(step.to, step.value)];
  const { reads, writes } = operands(step.op);
  return [...reads, writes].map((value) => key(step.bank, value));
}

function logitsKey(program: Program, banks: BankPlan): string {
  const writer = program.ops.findIndex((op) => op.out === program.logits);
  return key(banks.opBanks[writer] ?? 0, program.logits);
}

function key(bank: number, value: ValueId): string {
  return `${bank} ${value}`;
}

/** The smallest free slot that is large enough, or a new one at the end. */
function takeSlot(slots: Slot[], byteLength: number): Slot {
  const fitting = slots.filter((slot) => slot.isFree && slot.byteLength >= byteLength);
  const best = fitting.toSorted((a, b) => a.byteLength - b.byteLength)[0];
  if (best !== undefined) {
    best.isFree = false;
    return best;
  }
  const byteOffset = slots.reduce((sum, slot) => sum + slot.byteLength, 0);
  const slot: Slot = { byteOffset, byteLength, isFree: false };
  slots.push(slot);
  return slot;
}
