// tanh in f32, four at a time.
//   |x| < 0.625: x + x·z·p(z), z = x², p of degree 4 (coefficients: S. Moshier, Cephes tanhf);
//   else: 1 - 2 / (e^(2|x|) + 1), with the sign of x. e^(2|x|) is infinite above 44.5, which gives 1.
import { F32_ONE } from './constants.as';
import { exp4 } from './exp.as';

// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = f32x4.add(f32x4.mul(z, f32x4.splat(-5.70498872745e-3)), f32x4.splat(2.06390887954e-2));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-5.37397155531e-2));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.33314422036e-1));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-3.33332819422e-1));
  const small = f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x);
  const one = v128.load(F32_ONE);
  const power = exp4(f32x4.add(magnitude, magnitude));
  const large = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(power, one)));
  // NaN is not less: it takes the large branch, whose power is NaN.
  const either = v128.bitselect(small, large, f32x4.lt(magnitude, f32x4.splat(0.625)));
  // The sign is that of x, also of -0.
  return v128.or(either, v128.and(x, i32x4.splat(0x80000000)));
}
