// f16 and bf16 to f32, exactly. Formats: f16 = sign 1 | exponent 5 | mantissa 10; bf16 = the upper half of an f32.

/** 2^112 = 2^(127 - 15): moves an f16's exponent, placed where f32 keeps its own, to f32's bias. */
const REBIAS: f32 = 5192296858534827628530496329220096.0;
/** 0x7c00 << 13: from here up the f16 was infinite or NaN. */
const SPECIAL: u32 = 0x0f800000;

/** The value of an f16, exactly; subnormals, signed zero, infinities and NaN included. */
export function f16ToF32(half: u32): f32 {
  const magnitude: u32 = (half & 0x7fff) << 13;
  const bits =
    magnitude >= SPECIAL
      ? magnitude | 0x7f800000
      : reinterpret<u32>(reinterpret<f32>(magnitude) * REBIAS);
  return reinterpret<f32>(bits | ((half & 0x8000) << 16));
}

/** Four f16 (zero-extended to 32 bits) to four f32; the same mapping as `f16ToF32`. */
export function f16x4ToF32(halves: v128): v128 {
  const magnitude = i32x4.shl(v128.and(halves, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(halves, i32x4.splat(0x8000)), 16);
  const special = v128.and(i32x4.ge_u(magnitude, i32x4.splat(SPECIAL)), i32x4.splat(0x7f800000));
  // For a special value the product is a finite number with the right mantissa: 0x7f800000 completes its exponent.
  const bits = f32x4.mul(magnitude, f32x4.splat(REBIAS));
  return v128.or(v128.or(bits, special), sign);
}
