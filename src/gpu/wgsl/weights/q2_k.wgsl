// q2_k: 256 values in 84 bytes. Value = d · scale_g · q − dmin · min_g, groups g of 16 values.
const BLOCK_ELEMENTS = 256u;
const BLOCK_BYTES = 84u;

fn decode(block: u32, group: u32) -> mat4x4<f32> {
  let both = byte_at(block + group);
  let scale = f16_at(block + 80u) * f32(both & 15u);
  let minimum = f16_at(block + 82u) * f32(both >> 4u);
  let run = group >> 1u;
  let at = block + 16u + 32u * (run >> 2u) + 16u * (group & 1u);
  var values: mat4x4<f32>;
  for (var i = 0u; i < 4u; i++) {
    let q = (word_at(at + 4u * i) >> (2u * (run & 3u))) & 0x03030303u;
    values[i] = scale * unsigned_bytes(q) - minimum;
  }
  return values;
}
