// q3_k: 256 values in 110 bytes. Value = d · (scale_g − 32) · (q − 4), groups g of 16 values.
const BLOCK_ELEMENTS = 256u;
const BLOCK_BYTES = 110u;

fn decode(block: u32, group: u32) -> mat4x4<f32> {
  let low_scale = (byte_at(block + 96u + (group & 7u)) >> (4u * (group >> 3u))) & 15u;
  let high_scale = (byte_at(block + 104u + (group & 3u)) >> (2u * (group >> 2u))) & 3u;
  let scale = f16_at(block + 108u) * (f32(low_scale | (high_scale << 4u)) - 32.0);
  // Of 32 values each, which share the bit of the third bits and, within a half, the pair of the lower two.
  let run = group >> 1u;
  let offset = 16u * (group & 1u);
  let low_at = block + 32u + 32u * (run >> 2u) + offset;
  var values: mat4x4<f32>;
  for (var i = 0u; i < 4u; i++) {
    let low = (word_at(low_at + 4u * i) >> (2u * (run & 3u))) & 0x03030303u;
    let third = ((word_at(block + offset + 4u * i) >> run) & 0x01010101u) << 2u;
    values[i] = scale * (unsigned_bytes(low | third) - 4.0);
  }
  return values;
}
