// experts: slot s of out = W[ids[s]] · x, x the position's whole input or its slot s. The part holds experts first_expert on.
//   W  [experts of the part, rows, columns]      ids  [chunk, used]      x  [chunk, channels] or [chunk, used, channels]
//   out  [chunk, used, stored_rows]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  units: u32,
  plane_1: u32,
  plane_2: u32,
  row_step: u32,
  row_shift: u32,
  first_expert: u32,
  experts: u32,
  /** Of one expert: with rows of zeros up to a multiple of four, and without. */
  rows: u32,
  stored_rows: u32,
  used: u32,
  is_per_slot: u32,
  channels: u32,
  x_at: u32,
  x_stride: u32,
  ids_at: u32,
  ids_stride: u32,
  out_at: u32,
  out_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> quads: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> words: array<u32>;
@group(0) @binding(5) var<storage, read> ids: array<f32>;
@group(0) @binding(6) var<storage, read> x: array<f32>;
// include lib/weights
var<private> input_at: u32;

fn channel(number: u32) -> f32 {
  return select(0.0, x[input_at + min(number, params.channels - 1u)], number < params.channels);
}

fn input(quad: u32) -> vec4<f32> {
  return vec4<f32>(channel(4u * quad), channel(4u * quad + 1u), channel(4u * quad + 2u), channel(4u * quad + 3u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = workgroup.x * (64u / LANES) + thread / LANES;
  let slot = workgroup.y;
  let row = place.first_row + workgroup.z;
  let groups = params.rows / 4u;
  let mine = min(group, groups - 1u);
  let expert = u32(ids[4u * (params.ids_at + row * params.ids_stride) + slot]);
  let is_here = expert >= params.first_expert && expert < params.first_expert + params.experts;
  let within = select(0u, expert - params.first_expert, is_here);
  input_at = 4u * (params.x_at + row * params.x_stride) + params.is_per_slot * slot * params.channels;
  let product = four_rows((within * groups + mine) * params.row_step + params.row_shift, thread);
  if (is_here && group == mine && thread % LANES == 0u) {
    // Rows beyond the last slot's are the pad of the value, and 0.
    let end = select(params.stored_rows, 4u * params.out_stride - slot * params.stored_rows, slot == params.used - 1u);
    for (var i = 0u; i < 4u; i++) {
      if (4u * group + i < end) {
        out[4u * (params.out_at + row * params.out_stride) + slot * params.stored_rows + 4u * group + i] = product[i];
      }
    }
  }
}
