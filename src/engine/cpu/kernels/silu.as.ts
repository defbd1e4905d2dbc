// out[i] = x[i] / (1 + e^(-x[i])), written so that e^ never overflows:
//   t = e^(-|x|);  x >= 0: x / (1 + t);  x < 0: x·t / (1 + t).
// Roundings: t, 1 + t, the product where x < 0, the quotient.
import { F32_ONE, ZERO } from './lib/constants.as';
import { exp4, expInPlace } from './lib/exp.as';

/** @param count elements of each f32 buffer; buffers are disjoint or equal */
export function silu(out: usize, x: usize, count: i32): void {
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, x += 16) {
    v128.store(out, silu4(v128.load(x)));
  }
  for (let rest = count & 3; rest > 0; rest--, out += 4, x += 4) {
    store<f32>(out, f32x4.extract_lane(silu4(v128.load32_splat(x)), 0));
  }
}

// @ts-ignore: decorator
@inline
function silu4(x: v128): v128 {
  const t = exp4(f32x4.neg(f32x4.abs(x)));
  const numerator = v128.bitselect(f32x4.mul(x, t), x, f32x4.lt(x, v128.load(ZERO)));
  return f32x4.div(numerator, f32x4.add(v128.load(F32_ONE), t));
}

/** values[i] = e^(values[i]): the engine's exponential by itself, so that its error can be measured. */
export function exp(values: usize, count: i32): void {
  expInPlace(values, count, 0);
}
