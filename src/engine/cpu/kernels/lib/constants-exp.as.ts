// Vector constants of e^x; what they are: exp.as.ts. Where they lie in memory: constants.as.ts.
import { place } from './constants.as';

/** The exponent field of 1. */
export const F32_ONE_EXPONENT: usize = 352;
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

function placeFloat(address: usize, value: f32): void {
  v128.store(address, f32x4.splat(value));
}

place(F32_ONE_EXPONENT, 0x3f800000);
// Below LOWEST e^x rounds to 0, above HIGHEST to infinity. ln 2 comes in two parts: the first has 9 significant bits,
// so that n times it is exact.
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
