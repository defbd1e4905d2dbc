// matmul for few positions: out[p, r] = Σ_c W[r, c] · x[p, c]. A workgroup makes four rows of one position; its threads walk the
// groups of 16 columns side by side, and their sums are added as a tree.
//   weights  [rows of the part, columns] as stored      x  [chunk, columns]      out  [chunk, out_channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  first_weight_row: u32,
  weight_rows: u32,
  out_channels: u32,
  columns: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<u32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;
// include lib/words
// include weights/TYPE
// include lib/rows

const THREADS = 64u;
const ROWS = 4u;
var<workgroup> sums: array<vec4<f32>, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let first = ROWS * (workgroup.x + workgroups.x * workgroup.y);
  let position = place.first_row + workgroup.z;
  var sum = vec4<f32>();
  for (var group = thread; 16u * group < params.columns; group += THREADS) {
    var inputs: mat4x4<f32>;
    let at = position * params.columns + 16u * group;
    let count = min(16u, params.columns - 16u * group);
    for (var i = 0u; i < count; i++) {
      inputs[i >> 2u][i & 3u] = x[at + i];
    }
    for (var r = 0u; r < ROWS; r++) {
      if (first + r < params.weight_rows) {
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
  if (thread < ROWS && first + thread < params.weight_rows) {
    out[position * params.out_channels + params.first_weight_row + first + thread] = sums[0][thread];
  }
}
