// out = a + b. Formula and roundings: add.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface AddFunctions {
  /** Buffers of `count` f32; they are disjoint or equal. */
  readonly add: (out: Pointer, a: Pointer, b: Pointer, count: number) => void;
}

export const addKernel: Kernel<AddFunctions> = defineKernel(new URL('./add.wasm', import.meta.url));
