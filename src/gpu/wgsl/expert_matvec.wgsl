// expertMatmul: slot s of out = W[ids[s]] · x, x the position's whole input or its slot s. As matvec, one slot at a time; the part holds
// experts first_expert on.
//   weights  [experts of the part, rows, columns] as stored      ids  [chunk, used]      x  [chunk, columns] or [chunk, used, columns]
//   out  [chunk, used, rows]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  first_expert: u32,
  experts: u32,
  rows: u32,
  used: u32,
  is_per_slot: u32,
  columns: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<u32>;
@group(0) @binding(4) var<storage, read> ids: array<f32>;
@group(0) @binding(5) var<storage, read> x: array<f32>;
// include lib/words
// include weights/TYPE
// include lib/four-rows

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let first = ROWS * workgroup.x;
  let slot = (place.first_row + workgroup.z) * params.used + workgroup.y;
  let expert = u32(ids[slot]);
  if (expert < params.first_expert || expert >= params.first_expert + params.experts) {
    return;
  }
  let input = params.columns * select(slot / params.used, slot, params.is_per_slot == 1u);
  let before = (expert - params.first_expert) * params.rows;
  let products = four_rows(before + first, before + params.rows, input, thread);
  if (thread < ROWS && first + thread < params.rows) {
    out[slot * params.rows + first + thread] = products[thread];
  }
}
