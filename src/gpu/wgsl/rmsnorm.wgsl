// rmsnorm: out = x / sqrt(mean(x²) + eps) · (gain + gain_offset), for each head of a position by itself. A workgroup makes one head.
//   gain  [head_channels], one of the model's vectors      x, out  [chunk, heads, head_channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  heads: u32,
  head_channels: u32,
  eps: f32,
  gain_offset: f32,
  gain_at: u32,
  x_at: u32,
  x_stride: u32,
  out_at: u32,
  out_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> vectors: array<f32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;
// include lib/total

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = place.first_row + workgroup.y;
  let before = workgroup.x * params.head_channels;
  let first = 4u * (params.x_at + row * params.x_stride) + before;
  let out_first = 4u * (params.out_at + row * params.out_stride) + before;
  var sum = 0.0;
  for (var i = thread; i < params.head_channels; i += 64u) {
    sum += x[first + i] * x[first + i];
  }
  let scale = inverseSqrt(total_of(sum, thread) / f32(params.head_channels) + params.eps);
  for (var i = thread; i < params.head_channels; i += 64u) {
    out[out_first + i] = x[first + i] * scale * (vectors[4u * params.gain_at + i] + params.gain_offset);
  }
  // The pad of the row.
  let end = params.heads * params.head_channels;
  if (workgroup.x == params.heads - 1u && end + thread < 4u * params.out_stride) {
    out[4u * (params.out_at + row * params.out_stride) + end + thread] = 0.0;
  }
}
