// Matrix product with weights in f16. Block layout: src/engine/formats/tensor-types/f16.ts.
import { high16, low16 } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { F16_EXPONENT_ONE, F16_EXPONENTS } from './lib/constants-decode.as';
import { f16ToF32, f16x4ToF32, normalF16x4ToF32 } from './lib/f16.as';
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class F16Dequantizer extends RowDequantizer {
  blockColumns(): i32 { return 1; }
  blockBytes(): i32 { return 2; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const end = out + (<usize>blockCount << 2);
    const zero = v128.load(ZERO), exponents = v128.load(F16_EXPONENTS), one = v128.load(F16_EXPONENT_ONE);
    for (; out + 32 <= end; out += 32, blocks += 16) {
      const h = v128.load(blocks);
      // Exponents 0 and 31 are those that, plus one, have no bit but the lowest.
      if (v128.any_true(i16x8.eq(v128.and(i16x8.add(h, one), exponents), zero))) {
        v128.store(out, f16x4ToF32(i32x4.extend_low_i16x8_u(h)));
        v128.store(out, f16x4ToF32(i32x4.extend_high_i16x8_u(h)), 16);
      } else {
        v128.store(out, normalF16x4ToF32(low16(zero, h)));
        v128.store(out, normalF16x4ToF32(high16(zero, h)), 16);
      }
    }
    for (; out < end; out += 4, blocks += 2) store<f32>(out, f16ToF32(load<u16>(blocks)));
  }
}

/** Writes blockCount · 1 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<F16Dequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<F16Dequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
