// Sixteen quants to sixteen f32. Quants are exact in f32, and so is quant · scale for every ggml type (at most 24
// significant bits), so the only rounding of a decode is the addition of an offset.
// Interleaving with a zero from memory widens in one operation; the extending instructions need two for an upper half.
import { BIT_OF_BYTE, BYTE_16, SPREAD_HIGH, SPREAD_LOW } from './constants-decode.as';

// @ts-ignore: decorator
@inline
function low8(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function high8(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// @ts-ignore: decorator
@inline
export function low16(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
}

// @ts-ignore: decorator
@inline
export function high16(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
}

/**
 * out[i] = scale · q[i], i < 16; q are signed bytes. With zeros interleaved from below a byte becomes q · 2^24, with
 * its sign; the scale comes times 2^-24, which is exact, so the product has the same bits.
 *
 * @param scale24 scale · 2^-24 in each lane
 */
// @ts-ignore: decorator
@inline
export function scaleSigned(out: usize, q: v128, scale24: v128, zero: v128): void {
  const low = low8(zero, q), high = high8(zero, q);
  v128.store(out, f32x4.mul(scale24, f32x4.convert_i32x4_s(low16(zero, low))));
  v128.store(out, f32x4.mul(scale24, f32x4.convert_i32x4_s(high16(zero, low))), 16);
  v128.store(out, f32x4.mul(scale24, f32x4.convert_i32x4_s(low16(zero, high))), 32);
  v128.store(out, f32x4.mul(scale24, f32x4.convert_i32x4_s(high16(zero, high))), 48);
}

/** out[i] = scale · q[i] + offset, i < 16; q are unsigned bytes. */
// @ts-ignore: decorator
@inline
export function scaleOffset(out: usize, q: v128, scale: v128, offset: v128, zero: v128): void {
  const low = low8(q, zero), high = high8(q, zero);
  v128.store(out, f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(low16(low, zero))), offset));
  v128.store(out, f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(high16(low, zero))), offset), 16);
  v128.store(out, f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(low16(high, zero))), offset), 32);
  v128.store(out, f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(high16(high, zero))), offset), 48);
}

/** The upper four bits of each byte. */
// @ts-ignore: decorator
@inline
export function upperNibbles(q: v128, nibble: v128): v128 {
  return v128.and(i16x8.shr_u(q, 4), nibble);
}

/** Byte j = 16 where bit j of the two bytes at `bits` is set, else 0; j < 16. */
// @ts-ignore: decorator
@inline
export function fifthBits(bits: usize): v128 {
  const both = v128.load16_splat(bits);
  const spread = i8x16.shuffle(both, both, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const mask = v128.load(BIT_OF_BYTE);
  return v128.and(i8x16.eq(v128.and(spread, mask), mask), v128.load(BYTE_16));
}

/**
 * sum + w·x over 16 columns, four at a time, left to right; w = scale · q + offset, q unsigned bytes. Of relaxed
 * instructions any permitted result is the same one: the product scale · q is exact, fused or not, and an index is
 * either below 16 or above 127.
 */
// @ts-ignore: decorator
@inline
export function addScaledOffset(sum: v128, q: v128, scale: v128, offset: v128, x: usize): v128 {
  sum = f32x4.add(sum, f32x4.mul(scaledOffset(q, SPREAD_LOW, scale, offset), v128.load(x)));
  sum = f32x4.add(sum, f32x4.mul(scaledOffset(q, SPREAD_LOW + 16, scale, offset), v128.load(x, 16)));
  sum = f32x4.add(sum, f32x4.mul(scaledOffset(q, SPREAD_LOW + 32, scale, offset), v128.load(x, 32)));
  return f32x4.add(sum, f32x4.mul(scaledOffset(q, SPREAD_LOW + 48, scale, offset), v128.load(x, 48)));
}

// @ts-ignore: decorator
@inline
function scaledOffset(q: v128, spread: usize, scale: v128, offset: v128): v128 {
  return f32x4.relaxed_madd(scale, f32x4.convert_i32x4_s(i8x16.relaxed_swizzle(q, v128.load(spread))), offset);
}

/**
 * sum + w·x over 16 columns, four at a time, left to right; w = scale24 · 2^24 · q, q signed bytes, as in
 * `scaleSigned`.
 */
// @ts-ignore: decorator
@inline
export function addScaledSigned(sum: v128, q: v128, scale24: v128, x: usize): v128 {
  sum = f32x4.add(sum, f32x4.mul(scaledSigned(q, SPREAD_HIGH, scale24), v128.load(x)));
  sum = f32x4.add(sum, f32x4.mul(scaledSigned(q, SPREAD_HIGH + 16, scale24), v128.load(x, 16)));
  sum = f32x4.add(sum, f32x4.mul(scaledSigned(q, SPREAD_HIGH + 32, scale24), v128.load(x, 32)));
  return f32x4.add(sum, f32x4.mul(scaledSigned(q, SPREAD_HIGH + 48, scale24), v128.load(x, 48)));
}

// @ts-ignore: decorator
@inline
function scaledSigned(q: v128, spread: usize, scale24: v128): v128 {
  return f32x4.mul(scale24, f32x4.convert_i32x4_s(i8x16.relaxed_swizzle(q, v128.load(spread))));
}
