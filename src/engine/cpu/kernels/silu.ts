// out = x / (1 + e^(-x)). Formula and roundings: silu.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface SiluFunctions {
  /** Buffers of `count` f32; they are disjoint or equal. */
  readonly silu: (out: Pointer, x: Pointer, count: number) => void;
  /** values = e^values in place: the exponential that `silu` and `attention` use. */
  readonly exp: (values: Pointer, count: number) => void;
}

export const siluKernel: Kernel<SiluFunctions> = defineKernel(new URL('./silu.wasm', import.meta.url));
