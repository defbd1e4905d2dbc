// q4_1: 32 values in 20 bytes. Value = d · q + m.
const BLOCK_ELEMENTS = 32u;
const BLOCK_BYTES = 20u;

fn decode(block: u32, group: u32) -> mat4x4<f32> {
  let d = f16_at(block);
  let m = f16_at(block + 2u);
  var values: mat4x4<f32>;
  for (var i = 0u; i < 4u; i++) {
    let q = (word_at(block + 4u + 4u * i) >> (4u * group)) & 0x0f0f0f0fu;
    values[i] = d * unsigned_bytes(q) + m;
  }
  return values;
}
