// What this machine can do in WebAssembly: the ceilings that the engine's speed is compared with.

/** Twelve independent chains of f32 multiplication and addition, 96 operations per round. Returns a value to keep them. */
export function multiplyAdd(rounds: i32, factor: f32, term: f32): f32 {
  const f = f32x4.splat(factor), t = f32x4.splat(term);
  let a = t, b = t, c = t, d = t, e = t, g = t, h = t, k = t, m = t, n = t, p = t, q = t;
  for (; rounds > 0; rounds--) {
    a = f32x4.add(f32x4.mul(a, f), t);
    b = f32x4.add(f32x4.mul(b, f), t);
    c = f32x4.add(f32x4.mul(c, f), t);
    d = f32x4.add(f32x4.mul(d, f), t);
    e = f32x4.add(f32x4.mul(e, f), t);
    g = f32x4.add(f32x4.mul(g, f), t);
    h = f32x4.add(f32x4.mul(h, f), t);
    k = f32x4.add(f32x4.mul(k, f), t);
    m = f32x4.add(f32x4.mul(m, f), t);
    n = f32x4.add(f32x4.mul(n, f), t);
    p = f32x4.add(f32x4.mul(p, f), t);
    q = f32x4.add(f32x4.mul(q, f), t);
  }
  const first = f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(f32x4.add(e, g), f32x4.add(h, k)));
  return f32x4.extract_lane(f32x4.add(first, f32x4.add(f32x4.add(m, n), f32x4.add(p, q))), 0);
}
