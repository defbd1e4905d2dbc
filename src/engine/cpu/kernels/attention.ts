// Causal grouped-query attention over a key-value cache. Formula and orders of summation: attention.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { Pointer } from './kernel-memory.ts';

export interface AttentionFunctions {
  /** Writes `rows` [rowCount, kvHeadCount, headDim] into `cache` [kvHeadCount, capacity, headDim] at firstPosition. */
  readonly append: (
    cache: Pointer,
    rows: Pointer,
    firstPosition: number,
    rowCount: number,
    capacity: number,
    kvHeadCount: number,
    headDim: number,
  ) => void;
  /**
   * out, q: [rowCount, headCount, headDim] f32; keys, values: caches that hold these rows already; scores: scratch of
   * capacity + 4 f32; window: positions that a query sees, itself included, 0 = all; cap: softcap of the scores, 0 =
   * none.
   */
  readonly attention: (
    out: Pointer,
    q: Pointer,
    keys: Pointer,
    values: Pointer,
    scores: Pointer,
    firstPosition: number,
    rowCount: number,
    capacity: number,
    headCount: number,
    kvHeadCount: number,
    headDim: number,
    scale: number,
    window: number,
    cap: number,
  ) => void;
}

export const attentionKernel: Kernel<AttentionFunctions> = defineKernel(new URL('./attention.wasm', import.meta.url));
