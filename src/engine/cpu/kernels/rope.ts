// Rotary position embedding. Formula and pairings: rope.as.ts; the table: program/rope-table.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface RopeFunctions {
  /** out, x: [rowCount, headCount, headDim] f32; table: [rowCount, 2, rotaryDim / 2] f32, cosines then sines. */
  readonly rope: (
    out: Pointer,
    x: Pointer,
    table: Pointer,
    rowCount: number,
    headCount: number,
    headDim: number,
    rotaryDim: number,
    isNeox: boolean,
  ) => void;
}

export const ropeKernel: Kernel<RopeFunctions> = defineKernel(new URL('./rope.wasm', import.meta.url));
