// What is between a query's product with a key and the key's share. By bits, because a comparison cannot be trusted to see what is
// not finite: such a score takes every share with it.
// include lib/tanh
/** Below every score. */
const LOWEST = -0x1.fffffep127;

fn scores_of(products: vec4<f32>) -> vec4<f32> {
  let scores = params.scale * products;
  if (params.cap > 0.0) {
    let u = scores / params.cap;
    return select(params.cap * vec4<f32>(tanh_of(u.x), tanh_of(u.y), tanh_of(u.z), tanh_of(u.w)), scores, are_wild(scores));
  }
  return scores;
}

/** e^(score − largest), or NaN. */
fn powers_of(scores: vec4<f32>, largest: vec4<f32>) -> vec4<f32> {
  return select(exp(scores - largest), bitcast<vec4<f32>>(bitcast<vec4<u32>>(scores) | vec4<u32>(0x7fc00000u)), are_wild(scores));
}

fn are_wild(x: vec4<f32>) -> vec4<bool> {
  return (bitcast<vec4<u32>>(x) & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u);
}
