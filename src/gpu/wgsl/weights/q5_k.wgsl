// q5_k: 256 values in 176 bytes. Value = d · scale_j · q − dmin · min_j, sub-blocks j of 32 values.
// include lib/k-scales
const BLOCK_ELEMENTS = 256u;
const BLOCK_BYTES = 176u;

fn decode(block: u32, group: u32) -> mat4x4<f32> {
  let j = group >> 1u;
  let factors = vec2<f32>(f16_at(block), f16_at(block + 2u)) * k_scale_and_min(block, j);
  let half = 16u * (group & 1u);
  let at = block + 48u + 32u * (j >> 1u) + half;
  var values: mat4x4<f32>;
  for (var i = 0u; i < 4u; i++) {
    let low = (word_at(at + 4u * i) >> (4u * (j & 1u))) & 0x0f0f0f0fu;
    let fifth = ((word_at(block + 16u + half + 4u * i) >> j) & 0x01010101u) << 4u;
    values[i] = factors.x * unsigned_bytes(low | fifth) - factors.y;
  }
  return values;
}
