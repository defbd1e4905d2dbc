// embed: out[p] = W[token_p]. A thread decodes 16 columns of a row; the part holds rows first_weight_row on.
//   weights  [rows of the part, columns] as stored      tokens  [chunk]      out  [chunk, columns]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  first_weight_row: u32,
  weight_rows: u32,
  columns: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<u32>;
@group(0) @binding(4) var<storage, read> tokens: array<u32>;
// include lib/words
// include weights/TYPE
// include lib/rows

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let group = id.x;
  let row = place.first_row + id.y;
  if (16u * group >= params.columns || id.y >= place.row_count) {
    return;
  }
  let token = tokens[row];
  if (token < params.first_weight_row || token >= params.first_weight_row + params.weight_rows) {
    return;
  }
  let values = row_group(token - params.first_weight_row, group);
  let count = min(16u, params.columns - 16u * group);
  for (var i = 0u; i < count; i++) {
    out[row * params.columns + 16u * group + i] = values[i >> 2u][i & 3u];
  }
}
