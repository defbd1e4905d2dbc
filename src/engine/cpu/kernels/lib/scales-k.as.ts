// The head that q4_k and q5_k blocks share: d f16 (2) | dmin f16 (2) | eight scales and eight mins of 6 bits (12).
//
//   bytes 4..7:   scale 0..3 (low 6 bits), upper 2 bits of scale 4..7 (high 2 bits)
//   bytes 8..11:  min 0..3 (low 6 bits), upper 2 bits of min 4..7 (high 2 bits)
//   bytes 12..15: low 4 bits of scale 4..7 (low nibble), of min 4..7 (high nibble)
import { f16ToF32 } from './f16.as';

/** Writes 8 f32 d·scale_j, then 8 f32 -(dmin·min_j): all exact. 64 bytes. */
export function unpackScales(block: usize, out: usize): void {
  const d = f32x4.splat(f16ToF32(load<u16>(block)));
  const minusDmin = f32x4.splat(-f16ToF32(load<u16>(block, 2)));
  const a = load<u32>(block, 4), b = load<u32>(block, 8), c = load<u32>(block, 12);
  scaleFour(out, a & 0x3f3f3f3f, d);
  scaleFour(out + 16, (c & 0x0f0f0f0f) | ((a >> 2) & 0x30303030), d);
  scaleFour(out + 32, b & 0x3f3f3f3f, minusDmin);
  scaleFour(out + 48, ((c >> 4) & 0x0f0f0f0f) | ((b >> 2) & 0x30303030), minusDmin);
}

// @ts-ignore: decorator
@inline
function scaleFour(out: usize, bytes: u32, scale: v128): void {
  const words = i16x8.extend_low_i8x16_u(i32x4.splat(bytes));
  v128.store(out, f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(words))));
}
