// f16 and bf16 to f32, exactly. Formats: f16 = sign 1 | exponent 5 | mantissa 10; bf16 = the upper half of an f32.
// No f32 subnormal takes part in any step: on some machines one costs as much as a hundred other operations.
import {
  F16_LARGEST, F16_MAGNITUDE, F16_NORMAL, F16_REBIAS, F16_SHIFTED, F16_SUBNORMAL_BASE, F32_INFINITY,
} from './constants-decode.as';

/** 112 << 23, 112 = 127 - 15: moves an f16's exponent, placed where f32 keeps its own, to f32's bias. */
const REBIAS: u32 = 0x38000000;
/** 2^-14, whose mantissa is empty: an f16's subnormal mantissa, placed in it, is worth its own value on top. */
const SUBNORMAL_BASE: u32 = 0x38800000;
/** From here up the f16 (shifted to f32's places) was infinite or NaN; below the other it was subnormal or zero. */
const SPECIAL: u32 = 0x0f800000;
const NORMAL: u32 = 0x00800000;

/** The value of an f16, exactly; subnormals, signed zero, infinities and NaN included. */
export function f16ToF32(half: u32): f32 {
  const magnitude: u32 = (half & 0x7fff) << 13;
  let bits = magnitude + REBIAS;
  if (magnitude >= SPECIAL) {
    bits = magnitude | 0x7f800000;
  } else if (magnitude < NORMAL) {
    bits = reinterpret<u32>(reinterpret<f32>(magnitude + SUBNORMAL_BASE) - reinterpret<f32>(SUBNORMAL_BASE));
  }
  return reinterpret<f32>(bits | ((half & 0x8000) << 16));
}

/** Bits of the f32 of an f16 that is a normal number, given in the upper half of `half`. */
// @ts-ignore: decorator
@inline
function normalBits(half: u32): u32 {
  return (<u32>(<i32>half >> 3) & 0x8fffe000) + REBIAS;
}

/**
 * Stores the f32 of the f16 at `half` to `spare`. Scales pass through memory, because a load fills all lanes of a
 * vector for free where a register needs two operations, on the very ports that decoding is short of.
 */
// @ts-ignore: decorator
@inline
export function storeF16(half: usize, spare: usize): void {
  const bits: u32 = load<u16>(half);
  // Exponents 0 and 31 are those that, plus one, have no bit but the lowest.
  if (((bits + 0x0400) & 0x7800) !== 0) store<u32>(spare, normalBits(bits << 16));
  else store<f32>(spare, f16ToF32(bits));
}

/** As `storeF16`, for two neighbouring f16. */
// @ts-ignore: decorator
@inline
export function storeF16Pair(halves: usize, spare: usize): void {
  const bits = load<u32>(halves);
  const exponents = (bits + 0x04000400) & 0x78007800;
  if (((exponents + 0x78007800) & 0x80008000) === 0x80008000) {
    store<u32>(spare, normalBits(bits << 16));
    store<u32>(spare, normalBits(bits), 4);
  } else {
    store<f32>(spare, f16ToF32(bits & 0xffff));
    store<f32>(spare, f16ToF32(bits >> 16), 4);
  }
}

/** Four f16 (zero-extended to 32 bits) to four f32; the same mapping as `f16ToF32`, without branches. */
// @ts-ignore: decorator
@inline
export function f16x4ToF32(halves: v128): v128 {
  const mask = v128.load(F16_MAGNITUDE), base = v128.load(F16_SUBNORMAL_BASE);
  const magnitude = i32x4.shl(v128.and(halves, mask), 13);
  const sign = i32x4.shl(v128.andnot(halves, mask), 16);
  const subnormal = f32x4.sub(i32x4.add(magnitude, base), base);
  const normal = i32x4.add(magnitude, v128.load(F16_REBIAS));
  const finite = v128.bitselect(subnormal, normal, i32x4.gt_s(v128.load(F16_NORMAL), magnitude));
  const special = v128.and(i32x4.gt_s(magnitude, v128.load(F16_LARGEST)), v128.load(F32_INFINITY));
  return v128.or(v128.or(finite, special), sign);
}

/** Four f16 that are normal numbers, in the upper halves of 32 bits, to four f32. */
// @ts-ignore: decorator
@inline
export function normalF16x4ToF32(upperHalves: v128): v128 {
  return i32x4.add(v128.and(i32x4.shr_s(upperHalves, 3), v128.load(F16_SHIFTED)), v128.load(F16_REBIAS));
}
