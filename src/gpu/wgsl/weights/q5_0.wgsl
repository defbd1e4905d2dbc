// q5_0: 32 values in 22 bytes. Value = d · (q − 16).
// include lib/fifth-bits
const BLOCK_ELEMENTS = 32u;
const BLOCK_BYTES = 22u;

fn decode(block: u32, group: u32) -> mat4x4<f32> {
  let d = f16_at(block);
  let fifth = word_at(block + 2u);
  var values: mat4x4<f32>;
  for (var i = 0u; i < 4u; i++) {
    let low = (word_at(block + 6u + 4u * i) >> (4u * group)) & 0x0f0f0f0fu;
    values[i] = d * (unsigned_bytes(low | fifth_bits(fifth, 16u * group + 4u * i)) - 16.0);
  }
  return values;
}
