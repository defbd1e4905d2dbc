// append: copies the chunk's keys, or values, to their positions in the layer's cache.
//   x  [chunk, channels]      out  [positions, channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  channels: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = 64u * (workgroup.x + workgroups.x * workgroup.y) + thread;
  if (i < place.row_count * params.channels) {
    let at = place.first_row * params.channels + i;
    out[place.first_position * params.channels + at] = x[at];
  }
}
