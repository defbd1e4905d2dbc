// out = x/2 · (1 + tanh(u)), u = √(2/π) · (x + 0.044715 · x³), in the equal form x / (1 + e^(-2u)), which does not
// cancel; written so that e^ never overflows: t = e^(-|2u|);  u >= 0: x / (1 + t);  u < 0: x·t / (1 + t). Roundings:
// x², two products and a sum for 2u = x · (c + d · x²), c = 2·√(2/π), d = 0.044715·c; then as in silu.as.ts.
import { F32_ONE, ZERO } from './lib/constants.as';
import { exp4 } from './lib/exp.as';

/** @param count elements of each f32 buffer; buffers are disjoint or equal */
export function gelu(out: usize, x: usize, count: i32): void {
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, x += 16) {
    v128.store(out, gelu4(v128.load(x)));
  }
  for (let rest = count & 3; rest > 0; rest--, out += 4, x += 4) {
    store<f32>(out, f32x4.extract_lane(gelu4(v128.load32_splat(x)), 0));
  }
}

// @ts-ignore: decorator
@inline
function gelu4(x: v128): v128 {
  const c = f32x4.splat(1.5957691216057308), d = f32x4.splat(0.07135481627260025);
  const twoU = f32x4.mul(x, f32x4.add(c, f32x4.mul(d, f32x4.mul(x, x))));
  const t = exp4(f32x4.neg(f32x4.abs(twoU)));
  const numerator = v128.bitselect(f32x4.mul(x, t), x, f32x4.lt(x, v128.load(ZERO)));
  return f32x4.div(numerator, f32x4.add(v128.load(F32_ONE), t));
}
