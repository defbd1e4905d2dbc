// experts_gated: slot s of out = activation(W_gate[ids[s]] · x) · (W_up[ids[s]] · x) for one position: gated.wgsl for each chosen expert.
//   W_gate, W_up  [experts, rows, columns], four rows of each in turn      ids  [chunk, used]      x  [chunk, channels]
//   out  [chunk, used, rows]      inner  the norm, and as out: W_gate · x, W_up · x, the activation
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  units: u32,
  plane_1: u32,
  plane_2: u32,
  /** Of one matrix of one expert, a multiple of four. */
  rows: u32,
  channels: u32,
  quads: u32,
  x_at: u32,
  x_stride: u32,
  ids_at: u32,
  ids_stride: u32,
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
@group(0) @binding(8) var<storage, read> ids: array<f32>;
// include lib/tapped
// include lib/input
// include lib/weights
// include lib/activations

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = workgroup.x * (64u / LANES) + thread / LANES;
  let slot = workgroup.y;
  let row = place.first_row;
  open_input(params.x_at + row * params.x_stride, thread, workgroup.x + slot == 0u);
  let groups = params.rows / 4u;
  // A group past the end makes the last one's rows, and keeps them to itself.
  let mine = min(group, groups - 1u);
  let expert = u32(ids[4u * (params.ids_at + row * params.ids_stride) + slot]);
  let first = 8u * (expert * groups + mine);
  var gate = vec4<f32>();
  var up = vec4<f32>();
  for (var i = 0u; i < 2u; i++) {
    let sum = four_rows(first + 4u * i, thread);
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
    let at = slot * groups + group;
    show(params.gate_at, at, gate);
    show(params.up_at, at, up);
    show(params.activated_at, at, activated);
    out[params.out_at + row * params.out_stride + at] = activated * up;
  }
}
