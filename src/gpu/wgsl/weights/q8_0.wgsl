// q8_0: 32 values in 34 bytes. Value = d · q.
const BLOCK_ELEMENTS = 32u;
const BLOCK_BYTES = 34u;

fn decode(block: u32, group: u32) -> mat4x4<f32> {
  let d = f16_at(block);
  var values: mat4x4<f32>;
  for (var i = 0u; i < 4u; i++) {
    values[i] = d * signed_bytes(word_at(block + 2u + 16u * group + 4u * i));
  }
  return values;
}
