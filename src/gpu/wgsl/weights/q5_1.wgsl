// q5_1: 32 values in 24 bytes. Value = d · q + m.
// include lib/fifth-bits
const BLOCK_ELEMENTS = 32u;
const BLOCK_BYTES = 24u;

fn decode(block: u32, group: u32) -> mat4x4<f32> {
  let d = f16_at(block);
  let m = f16_at(block + 2u);
  let fifth = word_at(block + 4u);
  var values: mat4x4<f32>;
  for (var i = 0u; i < 4u; i++) {
    let low = (word_at(block + 8u + 4u * i) >> (4u * group)) & 0x0f0f0f0fu;
    values[i] = d * unsigned_bytes(low | fifth_bits(fifth, 16u * group + 4u * i)) + m;
  }
  return values;
}
