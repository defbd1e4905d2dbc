// out[i] = x[i] · factor, each product rounded once.

/** @param count elements of each f32 buffer; buffers are disjoint or equal */
export function scale(out: usize, x: usize, factor: f32, count: i32): void {
  const factor4 = f32x4.splat(factor);
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, x += 16) {
    v128.store(out, f32x4.mul(v128.load(x), factor4));
  }
  for (let rest = count & 3; rest > 0; rest--, out += 4, x += 4) store<f32>(out, load<f32>(x) * factor);
}
