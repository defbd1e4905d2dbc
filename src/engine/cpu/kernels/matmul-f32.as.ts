// Matrix product with weights in f32, which are copied as they stand.
// Block layout: src/engine/formats/tensor-types/f32.ts.
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class F32Dequantizer extends RowDequantizer {
  blockColumns(): i32 { return 1; }
  blockBytes(): i32 { return 4; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const end = out + (<usize>blockCount << 2);
    for (; out + 16 <= end; out += 16, blocks += 16) v128.store(out, v128.load(blocks));
    for (; out < end; out += 4, blocks += 4) store<u32>(out, load<u32>(blocks));
  }
}

/** Writes blockCount · 1 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<F32Dequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<F32Dequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
