// out = x / sqrt(mean(x²) + eps) · gain. Formula, order of summation and roundings: rmsnorm.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface RmsnormFunctions {
  /** out, x: [rowCount, channelCount] f32; gain: [channelCount] f32. `eps` is rounded to f32. */
  readonly rmsnorm: (
    out: Pointer,
    x: Pointer,
    gain: Pointer,
    eps: number,
    channelCount: number,
    rowCount: number,
  ) => void;
}

export const rmsnormKernel: Kernel<RmsnormFunctions> = defineKernel(new URL('./rmsnorm.wasm', import.meta.url));
