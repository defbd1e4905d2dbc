// out = a · b, element by element. Formula and roundings: mul.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface MulFunctions {
  /** Buffers of `count` f32; they are disjoint or equal. */
  readonly mul: (out: Pointer, a: Pointer, b: Pointer, count: number) => void;
}

export const mulKernel: Kernel<MulFunctions> = defineKernel(new URL('./mul.wasm', import.meta.url));
