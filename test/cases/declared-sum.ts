// The order of summation that the CPU executor's numeric profile declares, step by step in f32. Written from its
// words.

/** Σ w[c] · x[c] as the profile says. */
export function declaredSum(w: Float32Array, x: Float32Array): number {
  const product = (c: number): number => Math.fround((w[c] ?? 0) * (x[c] ?? 0));
  const add = (a: number, b: number): number => Math.fround(a + b);
  const main = w.length - (w.length % 4);
  const lanes = [0, 0, 0, 0];
  for (let first = 0; first < main; first += 256) {
    const chunk = [0, 0, 0, 0];
    for (let c = first; c < Math.min(first + 256, main); c++) chunk[c % 4] = add(chunk[c % 4] ?? 0, product(c));
    for (const l of lanes.keys()) lanes[l] = add(lanes[l] ?? 0, chunk[l] ?? 0);
  }
  const [a = 0, b = 0, c = 0, d = 0] = lanes;
  const total = add(add(a, c), add(b, d));
  if (main === w.length) return total;
  let tail = 0;
  for (let column = main; column < w.length; column++) tail = add(tail, product(column));
  return add(total, tail);
}
