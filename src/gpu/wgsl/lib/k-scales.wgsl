// Scale and minimum of sub-block j of a q4_k or q5_k block: six bits each, of which 4 … 7 keep two apart.
fn k_scale_and_min(block: u32, j: u32) -> vec2<f32> {
  if (j < 4u) {
    return vec2<f32>(f32(byte_at(block + 4u + j) & 63u), f32(byte_at(block + 8u + j) & 63u));
  }
  let low = byte_at(block + 8u + j);
  let scale = (low & 15u) | ((byte_at(block + j) >> 6u) << 4u);
  let minimum = (low >> 4u) | ((byte_at(block + 4u + j) >> 6u) << 4u);
  return vec2<f32>(f32(scale), f32(minimum));
}
