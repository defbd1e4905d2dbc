// f32: one value to a block. A group is 16 of them; past the end of a row they are no values of it.
const BLOCK_ELEMENTS = 1u;
const BLOCK_BYTES = 4u;

fn decode(block: u32, group: u32) -> mat4x4<f32> {
  var values: mat4x4<f32>;
  for (var i = 0u; i < 16u; i++) {
    values[i >> 2u][i & 3u] = bitcast<f32>(weights[block / 4u + i]);
  }
  return values;
}
