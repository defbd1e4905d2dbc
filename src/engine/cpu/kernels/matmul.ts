// What the matrix kernels of all tensor types have in common. Types only; the table by type is matmul-kernels.ts.
import type { Pointer } from './kernel-memory.ts';

export interface MatmulFunctions {
  /** Writes `blockCount` blocks to `out` as f32: what `matmul` itself multiplies. */
  readonly dequantize: (blocks: Pointer, out: Pointer, blockCount: number) => void;
  /**
   * out[t · outStride + r] = Σ_c W[r, c] · x[t · columnCount + c], r < rowCount, t < tokenCount.
   *
   * out: [tokenCount, outStride] f32; x: [tokenCount, columnCount] f32; weights: [rowCount, columnCount], rows
   * contiguous; scratch: scratchByteLength(tokenCount) bytes.
   */
  readonly matmul: (
    out: Pointer,
    outStride: number,
    x: Pointer,
    weights: Pointer,
    rowCount: number,
    columnCount: number,
    tokenCount: number,
    scratch: Pointer,
  ) => void;
  readonly scratchByteLength: (tokenCount: number) => number;
}
