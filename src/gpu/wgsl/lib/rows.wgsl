// Rows of a weight matrix, 16 columns at a time.
fn row_group(row: u32, group: u32) -> mat4x4<f32> {
  let column = 16u * group;
  let block = row * (params.columns / BLOCK_ELEMENTS) + column / BLOCK_ELEMENTS;
  var values = decode(block * BLOCK_BYTES, (column % BLOCK_ELEMENTS) / 16u);
  if (column + 16u > params.columns) {
    for (var i = params.columns - column; i < 16u; i++) {
      values[i >> 2u][i & 3u] = 0.0;
    }
  }
  return values;
}
