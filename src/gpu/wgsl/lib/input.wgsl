// The input of a product: a row of x as it is or, where has_norm is 1, x / sqrt(mean(x²) + eps) · (gain + gain_offset). Beyond its channels it is 0.
// include lib/total
var<private> input_at: u32;
var<private> norm_scale: f32;

fn input(quad: u32) -> vec4<f32> {
  let at = min(quad, params.quads - 1u);
  var value = x[input_at + at];
  if (params.has_norm == 1u) {
    value = value * norm_scale * (vectors[params.gain_at + at] + params.gain_offset);
  }
  return select(vec4<f32>(), value, quad < params.quads);
}

/** Before the first input, for all threads at once. Who is the first workgroup writes the normalised row where it is wanted. */
fn open_input(at: u32, thread: u32, is_first_workgroup: bool) {
  input_at = at;
  if (params.has_norm == 1u) {
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
