// out = x + bias, row by row. Formula and roundings: add-bias.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface AddBiasFunctions {
  /** out, x: [rowCount, channelCount] f32; bias: [channelCount] f32. */
  readonly addBias: (out: Pointer, x: Pointer, bias: Pointer, channelCount: number, rowCount: number) => void;
}

export const addBiasKernel: Kernel<AddBiasFunctions> = defineKernel(new URL('./add-bias.wasm', import.meta.url));
