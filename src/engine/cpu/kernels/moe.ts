// Routing to experts and the sum of their answers. Formulas and orders of summation: moe.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface MoeFunctions {
  /** out: [rowCount, usedCount] f32, ids; logits: [rowCount, expertCount] f32. */
  readonly moeSelect: (out: Pointer, logits: Pointer, rowCount: number, expertCount: number, usedCount: number) => void;
  /** out, experts: [rowCount, usedCount] f32; logits: [rowCount, expertCount] f32. */
  readonly moeRoute: (
    out: Pointer,
    logits: Pointer,
    experts: Pointer,
    rowCount: number,
    expertCount: number,
    usedCount: number,
    isRenormalised: boolean,
  ) => void;
  /** out: [rowCount, channelCount]; x: [rowCount, usedCount, channelCount]; shares: [rowCount, usedCount]; all f32. */
  readonly moeSum: (
    out: Pointer,
    x: Pointer,
    shares: Pointer,
    rowCount: number,
    usedCount: number,
    channelCount: number,
  ) => void;
}

export const moeKernel: Kernel<MoeFunctions> = defineKernel(new URL('./moe.wasm', import.meta.url));
