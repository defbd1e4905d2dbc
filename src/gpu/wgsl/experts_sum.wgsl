// experts_sum: out = Σ_s shares[s] · (W[ids[s]] · x[s]) (+ residual) for one position, slots from 0. LANES threads make four rows of all slots.
//   W  [experts, rows, columns]      ids, shares  [chunk, used]      x  [chunk, used, channels]      out, residual  [chunk, rows]
//   inner  W · x [used, rows], the sum [rows]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  units: u32,
  plane_1: u32,
  plane_2: u32,
  /** Of one expert, a multiple of four. */
  rows: u32,
  used: u32,
  /** Of one slot. */
  quads: u32,
  x_at: u32,
  x_stride: u32,
  ids_at: u32,
  ids_stride: u32,
  shares_at: u32,
  shares_stride: u32,
  residual_at: u32,
  residual_stride: u32,
  out_at: u32,
  out_stride: u32,
  has_residual: u32,
  raw_at: u32,
  sum_at: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> inner: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> quads: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> words: array<u32>;
@group(0) @binding(6) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> ids: array<f32>;
@group(0) @binding(8) var<storage, read> shares: array<f32>;
@group(0) @binding(9) var<storage, read> residual: array<vec4<f32>>;
// include lib/tapped
// include lib/weights
/** Whether a slot has whole units of 32 channels, so that nothing is read beyond it. */
override IS_WHOLE: bool = false;
var<private> input_at: u32;

fn input(quad: u32) -> vec4<f32> {
  if (IS_WHOLE) {
    return x[input_at + quad];
  }
  return select(vec4<f32>(), x[input_at + min(quad, params.quads - 1u)], quad < params.quads);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = workgroup.x * (64u / LANES) + thread / LANES;
  let row = place.first_row;
  let groups = params.rows / 4u;
  // A group past the end makes the last one's rows, and keeps them to itself.
  let mine = min(group, groups - 1u);
  let is_writer = group == mine && thread % LANES == 0u;
  var sum = vec4<f32>();
  for (var slot = 0u; slot < params.used; slot++) {
    let expert = u32(ids[4u * (params.ids_at + row * params.ids_stride) + slot]);
    input_at = params.x_at + row * params.x_stride + slot * params.quads;
    let product = four_rows(4u * (expert * groups + mine), thread);
    if (is_writer) {
      show(params.raw_at, slot * groups + group, product);
    }
    sum += shares[4u * (params.shares_at + row * params.shares_stride) + slot] * product;
  }
  if (is_writer) {
    show(params.sum_at, group, sum);
    if (params.has_residual == 1u) {
      sum += residual[params.residual_at + row * params.residual_stride + group];
    }
    out[params.out_at + row * params.out_stride + group] = sum;
  }
}
