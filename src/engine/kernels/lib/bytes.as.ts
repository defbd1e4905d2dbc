// Sixteen quants to sixteen f32. Quants are exact in f32, and so is quant · scale for every ggml type (at most 24
// significant bits), so the only rounding of a decode is the addition of an offset.

/** out[i] = scale · q[i], i < 16; q are signed bytes. */
export function scaleSigned(out: usize, q: v128, scale: v128): void {
  const low = i16x8.extend_low_i8x16_s(q), high = i16x8.extend_high_i8x16_s(q);
  v128.store(out, f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low))));
  v128.store(out, f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low))), 16);
  v128.store(out, f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high))), 32);
  v128.store(out, f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high))), 48);
}

/** out[i] = scale · q[i] + offset, i < 16; q are bytes below 128. */
export function scaleOffset(out: usize, q: v128, scale: v128, offset: v128): void {
  const low = i16x8.extend_low_i8x16_u(q), high = i16x8.extend_high_i8x16_u(q);
  v128.store(out, f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low))), offset));
  v128.store(out, f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low))), offset), 16);
  v128.store(out, f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high))), offset), 32);
  v128.store(out, f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high))), offset), 48);
}
