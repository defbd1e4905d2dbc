// A thread to four channels of a row. A row is a whole number of fours; what is beyond its channels is 0, and stays 0.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = 64u * (workgroup.x + workgroups.x * workgroup.y) + thread;
  if (i < place.row_count * params.quads) {
    let row = place.first_row + i / params.quads;
    let quad = i % params.quads;
    out[params.out_at + row * params.out_stride + quad] = element(row, quad);
  }
}
