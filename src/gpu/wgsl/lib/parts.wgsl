// Sums of four channels and what they are shares of, over several threads: `width` of 64 threads make the columns, and `parts` of them,
// `width` apart, each add a part of what goes into one.
struct Shares {
  sum: vec4<f32>,
  total: f32,
}
var<workgroup> part_sums: array<vec4<f32>, 64>;
var<workgroup> part_totals: array<f32, 64>;

/** Of use to the first `width` threads. For all threads at once; once only where there are several parts. */
fn add_parts(own: Shares, width: u32, parts: u32, thread: u32) -> Shares {
  var all = own;
  if (parts > 1u) {
    part_sums[thread] = own.sum;
    part_totals[thread] = own.total;
    workgroupBarrier();
    if (thread < width) {
      for (var part = 1u; part < parts; part++) {
        all.sum += part_sums[thread + part * width];
        all.total += part_totals[thread + part * width];
      }
    }
  }
  return all;
}
