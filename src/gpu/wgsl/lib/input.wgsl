// The input of a product: a row of x as it is or, with HAS_NORM, x / sqrt(mean(x²) + eps) · (gain + gain_offset). Beyond its channels it is 0.
// include lib/total
override HAS_NORM: bool = false;
/** Whether a row has whole units of 32 channels, so that nothing is read beyond it. */
override IS_WHOLE: bool = false;
var<private> input_at: u32;
var<private> norm_scale: f32;

fn input(quad: u32) -> vec4<f32> {
  if (IS_WHOLE) {
    return normed(quad);
  }
  return select(vec4<f32>(), normed(min(quad, params.quads - 1u)), quad < params.quads);
}

fn normed(quad: u32) -> vec4<f32> {
  let value = x[input_at + quad];
  if (HAS_NORM) {
    return value * norm_scale * (vectors[params.gain_at + quad] + params.gain_offset);
  }
  return value;
}

/** Before the first input, for all threads at once. Who is the first workgroup writes the normalised row where it is wanted. */
fn open_input(at: u32, thread: u32, is_first_workgroup: bool) {
  input_at = at;
  if (HAS_NORM) {
    var sum = vec4<f32>();
    for (var quad = thread; quad < params.quads; quad += 64u) {
      sum += x[at + quad] * x[at + quad];
    }
    let total = total_of((sum.x + sum.y) + (sum.z + sum.w), thread);
    norm_scale = inverseSqrt(total / f32(params.channels) + params.eps);
    if (is_first_workgroup) {
      for (var quad = thread; quad < params.quads; quad += 64u) {
        show(params.norm_at, quad, input(quad));
      }
    }
  }
}
