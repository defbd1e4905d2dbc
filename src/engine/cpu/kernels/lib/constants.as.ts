// Vector constants in memory. V8 builds a v128 constant anew at every use (three instructions, one busy port), but keeps
// a loaded one in a register. They lie at fixed addresses below the first buffer; every module that uses them writes the
// same bytes there when it is instantiated, so that modules can share a memory.

export const ZERO: usize = 64;
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

export const F32_ONE: usize = 336;
/** The exponent field of 1. */
export const F32_ONE_EXPONENT: usize = 352;

// e^x; what they are: exp.as.ts
export const EXP_LOWEST: usize = 368;
export const EXP_HIGHEST: usize = 384;
export const EXP_LOG2_E: usize = 400;
export const EXP_LN2_HIGH: usize = 416;
export const EXP_LN2_LOW: usize = 432;
export const EXP_ROUNDER: usize = 544;
export const EXP_C0: usize = 448;
export const EXP_C1: usize = 464;
export const EXP_C2: usize = 480;
export const EXP_C3: usize = 496;
export const EXP_C4: usize = 512;
export const EXP_C5: usize = 528;

function place(address: usize, word: u32): void {
  v128.store(address, i32x4.splat(word));
}

function placeFloat(address: usize, value: f32): void {
  v128.store(address, f32x4.splat(value));
}

place(ZERO, 0);
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
placeFloat(F32_ONE, 1);
place(F32_ONE_EXPONENT, 0x3f800000);

// Below LOWEST e^x rounds to 0, above HIGHEST to infinity. ln 2 comes in two parts: the first has 9 significant bits, so
// that n times it is exact.
placeFloat(EXP_LOWEST, -104);
placeFloat(EXP_HIGHEST, 89);
placeFloat(EXP_LOG2_E, 1.44269504088896341);
placeFloat(EXP_LN2_HIGH, 0.693359375);
placeFloat(EXP_LN2_LOW, -2.12194440e-4);
placeFloat(EXP_ROUNDER, 12582912);
placeFloat(EXP_C5, 1.9875691500e-4);
placeFloat(EXP_C4, 1.3981999507e-3);
placeFloat(EXP_C3, 8.3334519073e-3);
placeFloat(EXP_C2, 4.1665795894e-2);
placeFloat(EXP_C1, 1.6666665459e-1);
placeFloat(EXP_C0, 5.0000001201e-1);
