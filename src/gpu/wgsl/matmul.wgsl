// matmul for many positions: out[p, r] = Σ_c W[r, c] · x[p, c]. A workgroup makes a tile of 32 rows by 32 positions, 16 columns at a
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
const DEPTH = 16u;
// [column of the tile][row, or position]. No vectors: to write a component may write all four, and threads share them.
var<workgroup> weight_tile: array<f32, DEPTH * TILE>;
var<workgroup> input_tile: array<f32, DEPTH * TILE>;

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
  // Half of the threads bring 16 columns of a row each, the others of a position.
  let line = thread & 31u;
  let brings_weights = thread < TILE;
  for (var column = 0u; column < params.columns; column += DEPTH) {
    let depth = min(DEPTH, params.columns - column);
    var values: mat4x4<f32>;
    if (brings_weights) {
      if (first_row + line < params.weight_rows) {
        values = row_group(first_row + line, column / DEPTH);
      }
    } else if (first_position + line < place.row_count) {
      let at = (place.first_row + first_position + line) * params.columns + column;
      for (var i = 0u; i < depth; i++) {
        values[i >> 2u][i & 3u] = x[at + i];
      }
    }
    for (var i = 0u; i < depth; i++) {
      let value = values[i >> 2u][i & 3u];
      if (brings_weights) {
        weight_tile[TILE * i + line] = value;
      } else {
        input_tile[TILE * i + line] = value;
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < depth; k++) {
      let w = TILE * k + 4u * mine.x;
      let i = TILE * k + 4u * mine.y;
      let weight = vec4<f32>(weight_tile[w], weight_tile[w + 1u], weight_tile[w + 2u], weight_tile[w + 3u]);
      sums[0] += weight * input_tile[i];
      sums[1] += weight * input_tile[i + 1u];
      sums[2] += weight * input_tile[i + 2u];
      sums[3] += weight * input_tile[i + 3u];
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
