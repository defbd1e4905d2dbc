// The fifth bits of q5_0 and q5_1: one bit per element, packed.

/** Byte j = 16 where bit j of `bits` is set, else 0; j < 16. */
export function fifthBits(bits: u32): v128 {
  const spread = i8x16.shuffle(i16x8.splat(<i16>bits), i16x8.splat(0), 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const mask = i64x2.splat(<i64>0x8040201008040201);
  return v128.and(i8x16.eq(v128.and(spread, mask), mask), i8x16.splat(16));
}
