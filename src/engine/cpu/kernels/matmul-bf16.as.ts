// Matrix product with weights in bf16. Block layout: src/engine/formats/tensor-types/bf16.ts.
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class BF16Dequantizer extends RowDequantizer {
  blockColumns(): i32 { return 1; }
  blockBytes(): i32 { return 2; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const end = out + (<usize>blockCount << 2);
    for (; out + 16 <= end; out += 16, blocks += 8) v128.store(out, i32x4.shl(v128.load16x4_u(blocks), 16));
    for (; out < end; out += 4, blocks += 2) store<u32>(out, <u32>load<u16>(blocks) << 16);
  }
}

/** Writes blockCount · 1 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<BF16Dequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<BF16Dequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
