// Four rows of weights times one line of inputs, by a whole workgroup: its threads walk the groups of 16 columns side by side, and
// their sums are added as a tree.
// include lib/rows
const THREADS = 64u;
const ROWS = 4u;
var<workgroup> sums: array<vec4<f32>, THREADS>;

/** Rows [first, first + 4) below `end`, times the columns of x from `input` on; the others are 0. For all threads at once. */
fn four_rows(first: u32, end: u32, input: u32, thread: u32) -> vec4<f32> {
  var sum = vec4<f32>();
  for (var group = thread; 16u * group < params.columns; group += THREADS) {
    var inputs: mat4x4<f32>;
    let count = min(16u, params.columns - 16u * group);
    for (var i = 0u; i < count; i++) {
      inputs[i >> 2u][i & 3u] = x[input + 16u * group + i];
    }
    for (var r = 0u; r < ROWS; r++) {
      if (first + r < end) {
        let values = row_group(first + r, group);
        sum[r] += (dot(values[0], inputs[0]) + dot(values[1], inputs[1])) + (dot(values[2], inputs[2]) + dot(values[3], inputs[3]));
      }
    }
  }
  sums[thread] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      sums[thread] += sums[thread + half];
    }
    workgroupBarrier();
  }
  return sums[0];
}
