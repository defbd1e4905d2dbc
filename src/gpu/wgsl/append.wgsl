// append: copies the chunk's keys, or values, to their positions in the layer's cache, each head padded to fours with 0. A thread to
// four channels.
//   x  [chunk, heads · head_dim]      out  [positions, heads, 4 · ceil(head_dim / 4)]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  heads: u32,
  head_dim: u32,
  x_at: u32,
  x_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = 64u * (workgroup.x + workgroups.x * workgroup.y) + thread;
  let quads = (params.head_dim + 3u) / 4u;
  let width = params.heads * quads;
  if (i < place.row_count * width) {
    let row = place.first_row + i / width;
    let head = (i % width) / quads;
    let quad = i % quads;
    let begin = 4u * (params.x_at + row * params.x_stride) + head * params.head_dim;
    out[(place.first_position + row) * width + i % width] = vec4<f32>(
      channel(begin, 4u * quad),
      channel(begin, 4u * quad + 1u),
      channel(begin, 4u * quad + 2u),
      channel(begin, 4u * quad + 3u),
    );
  }
}

/** Of the head that begins there; 0 beyond its end. */
fn channel(begin: u32, c: u32) -> f32 {
  if (c < params.head_dim) {
    return x[begin + c];
  }
  return 0.0;
}
