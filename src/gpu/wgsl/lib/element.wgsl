// One thread to an element of the rows.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = 64u * (workgroup.x + workgroups.x * workgroup.y) + thread;
  if (i < place.row_count * params.channels) {
    let at = place.first_row * params.channels + i;
    out[at] = element(at);
  }
}
