// embed: out[p] = W[token_p]. A thread decodes a unit of 32 columns; the part holds rows first_weight_row on.
//   tokens  [chunk]      out  [chunk, columns]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  units: u32,
  plane_1: u32,
  plane_2: u32,
  first_weight_row: u32,
  weight_rows: u32,
  quads: u32,
  out_at: u32,
  out_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> quads: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> words: array<u32>;
@group(0) @binding(5) var<storage, read> tokens: array<u32>;
// include weights/TYPE

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let unit = id.x;
  let row = place.first_row + id.y;
  if (unit >= params.units || id.y >= place.row_count) {
    return;
  }
  let token = tokens[row];
  if (token < params.first_weight_row || token >= params.first_weight_row + params.weight_rows) {
    return;
  }
  let weights = decode(token - params.first_weight_row, unit);
  let first = low_quad(unit);
  for (var i = 0u; i < 4u; i++) {
    if (first + i < params.quads) {
      out[params.out_at + row * params.out_stride + first + i] = weights.low[i];
    }
    if (first + HIGH_QUADS + i < params.quads) {
      out[params.out_at + row * params.out_stride + first + HIGH_QUADS + i] = weights.high[i];
    }
  }
}
