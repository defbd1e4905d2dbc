// e^x in f32. Not correctly rounded: the largest error over every f32 is stated, and tested, in exp.test.ts.
//
//   n = round(x / ln 2), r = x - n·ln 2 in two parts (the first exact), |r| <= ln2/2,
//   e^r = 1 + r + r²·p(r), p of degree 5 (coefficients: S. Moshier, Cephes expf), e^x = e^r · 2^n.

/** Below it e^x rounds to 0, above the other to infinity; clamping keeps n in range and lets NaN through. */
const LOWEST: f32 = -104.0;
const HIGHEST: f32 = 89.0;
const LOG2_E: f32 = 1.44269504088896341;
/** ln 2 in two parts: the first has 9 significant bits, so n · LN2_HIGH is exact. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;

/** e^x, four at a time; e^0 = 1 exactly, NaN stays NaN. */
export function exp4(x: v128): v128 {
  const clamped = f32x4.min(f32x4.max(x, f32x4.splat(LOWEST)), f32x4.splat(HIGHEST));
  const n = f32x4.nearest(f32x4.mul(clamped, f32x4.splat(LOG2_E)));
  const high = f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(LN2_HIGH)));
  const r = f32x4.sub(high, f32x4.mul(n, f32x4.splat(LN2_LOW)));
  let p = f32x4.add(f32x4.mul(r, f32x4.splat(1.9875691500e-4)), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r);
  p = f32x4.add(p, f32x4.splat(1));
  // 2^n in two factors, each a normal number: the first product is exact, the second rounds once, subnormals included.
  const exponent = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(exponent, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(exponent, half)));
}

function powerOfTwo(exponent: v128): v128 {
  return i32x4.shl(i32x4.add(exponent, i32x4.splat(127)), 23);
}

/** values[i] = e^(values[i]), in place. The tail runs the same four-lane code, so position does not change a bit. */
export function expInPlace(values: usize, count: i32): void {
  const end = values + (<usize>(count & ~3) << 2);
  for (; values < end; values += 16) v128.store(values, exp4(v128.load(values)));
  for (let rest = count & 3; rest > 0; rest--, values += 4) {
    store<f32>(values, f32x4.extract_lane(exp4(v128.load32_splat(values)), 0));
  }
}
