// out[i] = cap · tanh(x[i] / cap). Roundings: the quotient, tanh (lib/tanh.as.ts), the product.
import { tanh4 } from './lib/tanh.as';

/** @param count elements of each f32 buffer; buffers are disjoint or equal */
export function softcap(out: usize, x: usize, cap: f32, count: i32): void {
  const cap4 = f32x4.splat(cap);
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, x += 16) {
    v128.store(out, softcap4(v128.load(x), cap4));
  }
  for (let rest = count & 3; rest > 0; rest--, out += 4, x += 4) {
    store<f32>(out, f32x4.extract_lane(softcap4(v128.load32_splat(x), cap4), 0));
  }
}

// @ts-ignore: decorator
@inline
function softcap4(x: v128, cap4: v128): v128 {
  return f32x4.mul(cap4, tanh4(f32x4.div(x, cap4)));
}
