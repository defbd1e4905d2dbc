// e^x in f32. Not correctly rounded: the largest error over every f32 is stated, and tested, in exp.test.ts.
//
//   n = round(x / ln 2), r = x - n·ln 2 in two parts (the first exact), |r| <= ln2/2,
//   e^r = 1 + r + r²·p(r), p of degree 5 (coefficients: S. Moshier, Cephes expf), e^x = e^r · 2^n.
import { F32_ONE } from './constants.as';
import {
  EXP_C0, EXP_C1, EXP_C2, EXP_C3, EXP_C4, EXP_C5, EXP_HIGHEST, EXP_LN2_HIGH, EXP_LN2_LOW, EXP_LOG2_E, EXP_LOWEST,
  EXP_ROUNDER, F32_ONE_EXPONENT,
} from './constants-exp.as';

/** e^x, four at a time; e^0 = 1 exactly, NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  // Clamping keeps n in range. In this order of arguments it lets NaN through.
  const clamped = f32x4.pmin(f32x4.pmax(x, v128.load(EXP_LOWEST)), v128.load(EXP_HIGHEST));
  // Adding 1.5 · 2^23 leaves no bits below 1: that rounds to the nearest integer, and its low bits are that integer.
  const rounder = v128.load(EXP_ROUNDER);
  const shifted = f32x4.add(f32x4.mul(clamped, v128.load(EXP_LOG2_E)), rounder);
  const n = f32x4.sub(shifted, rounder);
  const high = f32x4.sub(clamped, f32x4.mul(n, v128.load(EXP_LN2_HIGH)));
  const r = f32x4.sub(high, f32x4.mul(n, v128.load(EXP_LN2_LOW)));
  let p = f32x4.add(f32x4.mul(r, v128.load(EXP_C5)), v128.load(EXP_C4));
  p = f32x4.add(f32x4.mul(p, r), v128.load(EXP_C3));
  p = f32x4.add(f32x4.mul(p, r), v128.load(EXP_C2));
  p = f32x4.add(f32x4.mul(p, r), v128.load(EXP_C1));
  p = f32x4.add(f32x4.mul(p, r), v128.load(EXP_C0));
  p = f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r);
  p = f32x4.add(p, v128.load(F32_ONE));
  // 2^n in two factors, each a normal number: the first product is exact, the second rounds once, subnormals included.
  const exponent = i32x4.sub(shifted, rounder);
  const half = i32x4.shr_s(exponent, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(exponent, half)));
}

// @ts-ignore: decorator
@inline
function powerOfTwo(exponent: v128): v128 {
  return i32x4.add(i32x4.shl(exponent, 23), v128.load(F32_ONE_EXPONENT));
}

/** values[i] = e^(values[i] - shift), in place. The tail runs the same four-lane code: position changes no bit. */
export function expInPlace(values: usize, count: i32, shift: f32): void {
  const end = values + (<usize>(count & ~3) << 2);
  const shift4 = f32x4.splat(shift);
  for (; values < end; values += 16) v128.store(values, exp4(f32x4.sub(v128.load(values), shift4)));
  for (let rest = count & 3; rest > 0; rest--, values += 4) {
    store<f32>(values, f32x4.extract_lane(exp4(f32x4.sub(v128.load32_splat(values), shift4)), 0));
  }
}
