// out = cap · tanh(x / cap). Formula and roundings: softcap.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface SoftcapFunctions {
  /** Buffers of `count` f32; they are disjoint or equal. `cap` is rounded to f32. */
  readonly softcap: (out: Pointer, x: Pointer, cap: number, count: number) => void;
}

export const softcapKernel: Kernel<SoftcapFunctions> = defineKernel(new URL('./softcap.wasm', import.meta.url));
