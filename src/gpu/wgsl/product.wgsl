// product: out = W · x (+ bias) (+ residual) for one position, with x normalised before with HAS_NORM (lib/input). LANES threads make four rows.
//   W  rows of the part, as src/gpu/weights.ts lays them      x  [chunk, channels]      out, residual  [chunk, rows]
//   vectors  gain [channels] at gain_at, bias [rows] at bias_at      inner  the norm, W · x, W · x + bias
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  units: u32,
  plane_1: u32,
  plane_2: u32,
  row_step: u32,
  row_shift: u32,
  /** Of this part, a multiple of four. */
  rows: u32,
  channels: u32,
  quads: u32,
  x_at: u32,
  x_stride: u32,
  out_at: u32,
  out_stride: u32,
  residual_at: u32,
  residual_stride: u32,
  has_bias: u32,
  has_residual: u32,
  gain_at: u32,
  bias_at: u32,
  eps: f32,
  gain_offset: f32,
  norm_at: u32,
  raw_at: u32,
  biased_at: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> inner: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> quads: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> words: array<u32>;
@group(0) @binding(6) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read> residual: array<vec4<f32>>;
// include lib/tapped
// include lib/input
// include lib/weights

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let number = workgroup.x + workgroups.x * workgroup.y;
  let group = number * (64u / LANES) + thread / LANES;
  let row = place.first_row;
  open_input(params.x_at + row * params.x_stride, thread, number == 0u);
  // A group past the end makes the last one's rows, and keeps them to itself.
  let mine = min(group, params.rows / 4u - 1u);
  var sum = four_rows(mine * params.row_step + params.row_shift, thread);
  if (group == mine && thread % LANES == 0u) {
    show(params.raw_at, group, sum);
    if (params.has_bias == 1u) {
      sum += vectors[params.bias_at + group];
      show(params.biased_at, group, sum);
    }
    if (params.has_residual == 1u) {
      sum += residual[params.residual_at + row * params.residual_stride + group];
    }
    out[params.out_at + row * params.out_stride + group] = sum;
  }
}
