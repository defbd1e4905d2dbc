// gated: out = activation(W_gate · x) · (W_up · x) for one position, with x normalised before with HAS_NORM (lib/input). LANES threads make four
// rows of each; in the buffer the two matrices take turns, four rows each.
//   x  [chunk, channels]      out  [chunk, rows]      vectors  gain [channels] at gain_at
//   inner  the norm, W_gate · x, W_up · x, the activation
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  units: u32,
  plane_1: u32,
  plane_2: u32,
  /** Of one of the two, a multiple of four. */
  rows: u32,
  channels: u32,
  quads: u32,
  x_at: u32,
  x_stride: u32,
  out_at: u32,
  out_stride: u32,
  /** 1: gelu; 0: silu. */
  is_gelu: u32,
  gain_at: u32,
  eps: f32,
  gain_offset: f32,
  norm_at: u32,
  gate_at: u32,
  up_at: u32,
  activated_at: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> inner: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> quads: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> words: array<u32>;
@group(0) @binding(6) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> vectors: array<vec4<f32>>;
// include lib/tapped
// include lib/input
// include lib/weights
// include lib/activations

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
  var gate = vec4<f32>();
  var up = vec4<f32>();
  for (var i = 0u; i < 2u; i++) {
    let sum = four_rows(8u * mine + 4u * i, thread);
    if (i == 0u) {
      gate = sum;
    } else {
      up = sum;
    }
  }
  if (group == mine && thread % LANES == 0u) {
    var activated = vec4<f32>();
    if (params.is_gelu == 1u) {
      activated = gelu4(gate);
    } else {
      activated = silu4(gate);
    }
    show(params.gate_at, group, gate);
    show(params.up_at, group, up);
    show(params.activated_at, group, activated);
    out[params.out_at + row * params.out_stride + group] = activated * up;
  }
}
