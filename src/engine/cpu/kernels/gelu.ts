// GELU by its tanh form. Formula and roundings: gelu.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface GeluFunctions {
  /** Buffers of `count` f32; they are disjoint or equal. */
  readonly gelu: (out: Pointer, x: Pointer, count: number) => void;
}

export const geluKernel: Kernel<GeluFunctions> = defineKernel(new URL('./gelu.wasm', import.meta.url));
