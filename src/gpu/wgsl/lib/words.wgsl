// Fields of stored blocks. The buffer `weights` holds the file's bytes, four to a word, least significant first; every
// block size and every field of more than a byte is even.
fn byte_at(byte: u32) -> u32 {
  return (weights[byte >> 2u] >> ((byte & 3u) << 3u)) & 0xffu;
}

fn half_at(byte: u32) -> u32 {
  return (weights[byte >> 2u] >> ((byte & 2u) << 3u)) & 0xffffu;
}

fn word_at(byte: u32) -> u32 {
  let at = byte >> 2u;
  if ((byte & 2u) == 0u) {
    return weights[at];
  }
  return (weights[at] >> 16u) | (weights[at + 1u] << 16u);
}

/** By its bits, because a shader may flush the subnormals of its own conversion to 0, and scales are subnormal in files. */
fn f16_value(bits: u32) -> f32 {
  let exponent = (bits >> 10u) & 31u;
  let mantissa = bits & 1023u;
  let sign = (bits & 0x8000u) << 16u;
  if (exponent == 0u) {
    return bitcast<f32>(bitcast<u32>(f32(mantissa) * 0x1p-24f) | sign);
  }
  let wide = select(exponent + 112u, 255u, exponent == 31u);
  return bitcast<f32>(sign | (wide << 23u) | (mantissa << 13u));
}

fn f16_at(byte: u32) -> f32 {
  return f16_value(half_at(byte));
}

fn unsigned_bytes(word: u32) -> vec4<f32> {
  return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
}

fn signed_bytes(word: u32) -> vec4<f32> {
  return vec4<f32>(vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}
