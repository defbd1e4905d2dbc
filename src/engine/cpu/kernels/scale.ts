// out = x · factor. Formula and roundings: scale.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface ScaleFunctions {
  /** Buffers of `count` f32; they are disjoint or equal. `factor` is rounded to f32. */
  readonly scale: (out: Pointer, x: Pointer, factor: number, count: number) => void;
}

export const scaleKernel: Kernel<ScaleFunctions> = defineKernel(new URL('./scale.wasm', import.meta.url));
