// Plain reading of memory: read.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface ReadFunctions {
  /** `byteLength` bytes, a multiple of 64. */
  readonly read: (pointer: Pointer, byteLength: number) => number;
}

export const readKernel: Kernel<ReadFunctions> = defineKernel(new URL('./read.wasm', import.meta.url));
