// out[i] = a[i] + b[i], each sum rounded once.

/** @param count elements of each f32 buffer; buffers are disjoint or equal */
export function add(out: usize, a: usize, b: usize, count: i32): void {
  for (const end = out + (<usize>(count & ~3) << 2); out < end; out += 16, a += 16, b += 16) {
    v128.store(out, f32x4.add(v128.load(a), v128.load(b)));
  }
  for (let rest = count & 3; rest > 0; rest--, out += 4, a += 4, b += 4) {
    store<f32>(out, load<f32>(a) + load<f32>(b));
  }
}
