// q6_k: 256 values in 210 bytes. Value = d · scale_g · (q − 32), groups g of 16 values.
const BLOCK_ELEMENTS = 256u;
const BLOCK_BYTES = 210u;

fn decode(block: u32, group: u32) -> mat4x4<f32> {
  let scale = f16_at(block + 208u) * f32(bitcast<i32>(byte_at(block + 192u + group) << 24u) >> 24u);
  let half = group >> 3u;
  // Of the half, which has 128 values.
  let first = 16u * (group & 7u);
  let low_at = block + 64u * half + (first & 63u);
  let high_at = block + 128u + 32u * half + (first & 31u);
  var values: mat4x4<f32>;
  for (var i = 0u; i < 4u; i++) {
    let low = (word_at(low_at + 4u * i) >> (4u * (first >> 6u))) & 0x0f0f0f0fu;
    let high = (word_at(high_at + 4u * i) >> (2u * (first >> 5u))) & 0x03030303u;
    values[i] = scale * (unsigned_bytes(low | (high << 4u)) - 32.0);
  }
  return values;
}
