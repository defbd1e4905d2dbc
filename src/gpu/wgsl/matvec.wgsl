// matmul for few positions: out[p, r] = Σ_c W[r, c] · x[p, c]. A workgroup makes four rows of one position.
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
// include lib/four-rows

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let first = ROWS * (workgroup.x + workgroups.x * workgroup.y);
  let position = place.first_row + workgroup.z;
  let products = four_rows(first, params.weight_rows, position * params.columns, thread);
  if (thread < ROWS && first + thread < params.weight_rows) {
    out[position * params.out_channels + params.first_weight_row + first + thread] = products[thread];
  }
}
