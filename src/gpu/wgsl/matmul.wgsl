// matmul for many positions: out[p, r] = Σ_c W[r, c] · x[p, c]. A workgroup makes a tile of 32 rows by 32 positions, 32 columns at a
// time through workgroup memory; a thread makes 4 by 4 of it.
//   weights  [rows of the part, columns] as stored      x  [chunk, columns]      out  [chunk, out_channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  first_weight_row: u32,
  weight_rows: u32,
  out_channels: u32,
  columns: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<u32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;
// include lib/words
// include weights/TYPE
// include lib/rows

const TILE = 32u;
// [column of the tile][row, or position].
var<workgroup> weight_tile: array<f32, TILE * TILE>;
var<workgroup> input_tile: array<f32, TILE * TILE>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let first_row = TILE * (workgroup.x + workgroups.x * workgroup.y);
  let first_position = TILE * workgroup.z;
  let mine = vec2<u32>(thread & 7u, thread >> 3u);
  var sums: mat4x4<f32>;
  // A thread brings 16 columns of one row, and as many of one position.
  let line = thread >> 1u;
  let row = first_row + line;
  let position = first_position + line;
  for (var column = 0u; column < params.columns; column += TILE) {
    let first = 16u * (thread & 1u);
    var values: mat4x4<f32>;
    if (row < params.weight_rows && column + first < params.columns) {
      values = row_group(row, (column + first) / 16u);
    }
    for (var i = 0u; i < 4u; i++) {
      let at = TILE * (first + 4u * i) + line;
      weight_tile[at] = values[i].x;
      weight_tile[at + TILE] = values[i].y;
      weight_tile[at + 2u * TILE] = values[i].z;
      weight_tile[at + 3u * TILE] = values[i].w;
    }
    for (var i = first; i < first + 16u; i++) {
      var input = 0.0;
      if (position < place.row_count && column + i < params.columns) {
        input = x[(place.first_row + position) * params.columns + column + i];
      }
      input_tile[TILE * i + line] = input;
    }
    workgroupBarrier();
    // A bound that is not known beforehand: a compiler that unrolls the loop takes seconds.
    let depth = min(TILE, params.columns - column);
    for (var k = 0u; k < depth; k++) {
      let of_row = TILE * k + 4u * mine.x;
      let of_position = TILE * k + 4u * mine.y;
      let weight = vec4<f32>(weight_tile[of_row], weight_tile[of_row + 1u], weight_tile[of_row + 2u], weight_tile[of_row + 3u]);
      sums[0] += weight * input_tile[of_position];
      sums[1] += weight * input_tile[of_position + 1u];
      sums[2] += weight * input_tile[of_position + 2u];
      sums[3] += weight * input_tile[of_position + 3u];
    }
    workgroupBarrier();
  }
  for (var p = 0u; p < 4u; p++) {
    for (var r = 0u; r < 4u; r++) {
      let at = first_position + 4u * mine.y + p;
      let out_row = first_row + 4u * mine.x + r;
      if (at < place.row_count && out_row < params.weight_rows) {
        out[(place.first_row + at) * params.out_channels + params.first_weight_row + out_row] = sums[p][r];
      }
    }
  }
}
