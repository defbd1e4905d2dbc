// Vector constants by which stored types are decoded. Where they lie in memory: constants.as.ts.
import { place } from './constants.as';

/** 15 in each byte. */
export const NIBBLE: usize = 80;
export const BYTE_8: usize = 96;
export const BYTE_16: usize = 112;
export const BYTE_32: usize = 128;
/** Bits 4 and 5 of each byte. */
export const BITS_45: usize = 144;
/** Byte j selects bit j mod 8. */
export const BIT_OF_BYTE: usize = 160;
export const F16_MAGNITUDE: usize = 176;
export const F16_REBIAS: usize = 192;
export const F16_SUBNORMAL_BASE: usize = 208;
export const F16_NORMAL: usize = 224;
export const F16_LARGEST: usize = 240;
export const F32_INFINITY: usize = 256;
/** 2^-24 in each f32. */
export const TWO_TO_MINUS_24: usize = 272;
/** In each 16 bits: exponent 1 of an f16, and the upper four bits of its exponent. */
export const F16_EXPONENT_ONE: usize = 288;
export const F16_EXPONENTS: usize = 304;
/** In each 32 bits: where sign, exponent and mantissa of an f16 land when it is shifted from the upper half by 3. */
export const F16_SHIFTED: usize = 320;

/** Where i8x16 indices spread bytes 0-3, 4-7, 8-11, 12-15 to the lowest byte of each f32 lane, zeros above. */
export const SPREAD_LOW: usize = 560;
/** The same, to the highest byte, zeros below. */
export const SPREAD_HIGH: usize = 624;

place(NIBBLE, 0x0f0f0f0f);
place(BYTE_8, 0x08080808);
place(BYTE_16, 0x10101010);
place(BYTE_32, 0x20202020);
place(BITS_45, 0x30303030);
v128.store(BIT_OF_BYTE, i64x2.splat(0x8040201008040201));
place(F16_MAGNITUDE, 0x7fff);
place(F16_REBIAS, 0x38000000);
place(F16_SUBNORMAL_BASE, 0x38800000);
place(F16_NORMAL, 0x00800000);
place(F16_LARGEST, 0x0f7fe000);
place(F32_INFINITY, 0x7f800000);
place(TWO_TO_MINUS_24, 0x33800000);
place(F16_EXPONENT_ONE, 0x04000400);
place(F16_EXPONENTS, 0x78007800);
place(F16_SHIFTED, 0x8fffe000);
for (let quad: u32 = 0; quad < 4; quad++) {
  const first = 0x03020100 + quad * 0x04040404;
  for (let lane: u32 = 0; lane < 4; lane++) {
    const index = (first >> (lane << 3)) & 0xff;
    store<u32>(SPREAD_LOW + (quad << 4) + (lane << 2), 0xffffff00 | index);
    store<u32>(SPREAD_HIGH + (quad << 4) + (lane << 2), 0x00ffffff | (index << 24));
  }
}
