// A sum over the 64 threads of a workgroup, each of which adds all of them in order: one barrier, and the same bits for everyone.
var<workgroup> partials: array<f32, 64>;

/** For all threads at once. */
fn total_of(value: f32, thread: u32) -> f32 {
  partials[thread] = value;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < 64u; i++) {
    total += partials[i];
  }
  workgroupBarrier();
  return total;
}
