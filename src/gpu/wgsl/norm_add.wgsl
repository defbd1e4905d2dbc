// norm_add: out = residual + x / sqrt(mean(x²) + eps) · (gain + gain_offset). A workgroup makes a position.
//   gain  [channels], one of the model's vectors      x, residual, out  [chunk, channels]      inner  the norm
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  channels: u32,
  quads: u32,
  x_at: u32,
  x_stride: u32,
  residual_at: u32,
  residual_stride: u32,
  out_at: u32,
  out_stride: u32,
  gain_at: u32,
  eps: f32,
  gain_offset: f32,
  norm_at: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> inner: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> residual: array<vec4<f32>>;
// include lib/tapped
// include lib/input

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = place.first_row + workgroup.x;
  open_input(params.x_at + row * params.x_stride, thread, workgroup.x == 0u);
  for (var quad = thread; quad < params.quads; quad += 64u) {
    out[params.out_at + row * params.out_stride + quad] = residual[params.residual_at + row * params.residual_stride + quad] + input(quad);
  }
}
