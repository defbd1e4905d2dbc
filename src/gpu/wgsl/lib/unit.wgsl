// 32 weights of a row, the unit in which every decoder works: two runs of 16 adjacent columns, a vector to four of them. The run `low`
// begins at four-column low_quad(unit) of the row, `high` HIGH_QUADS behind it. The buffer holds the planes that src/gpu/planes.ts lays out: `quads`
// and `words` are the same bytes, by 16 and by 4.
struct Unit {
  low: mat4x4<f32>,
  high: mat4x4<f32>,
}

/** Field number `index` of 16 bits in the plane that begins at word `plane`. */
fn half_of(plane: u32, index: u32) -> u32 {
  return (words[plane + (index >> 1u)] >> ((index & 1u) << 4u)) & 0xffffu;
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

/** Both halves of a word. */
fn f16_pair(word: u32) -> vec2<f32> {
  return vec2<f32>(f16_value(word & 0xffffu), f16_value(word >> 16u));
}

fn unsigned_bytes(word: u32) -> vec4<f32> {
  return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
}

fn signed_bytes(word: u32) -> vec4<f32> {
  return vec4<f32>(vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}

/** The 16 bytes of a quad, times a factor and shifted. */
fn scaled_bytes(q: vec4<u32>, factor: f32, shift: f32) -> mat4x4<f32> {
  return mat4x4<f32>(
    factor * unsigned_bytes(q.x) + shift,
    factor * unsigned_bytes(q.y) + shift,
    factor * unsigned_bytes(q.z) + shift,
    factor * unsigned_bytes(q.w) + shift,
  );
}

/** As scaled_bytes, of whole numbers around `centre`: (q − centre) is exact. */
fn centred_bytes(q: vec4<u32>, factor: f32, centre: f32) -> mat4x4<f32> {
  return mat4x4<f32>(
    factor * (unsigned_bytes(q.x) - centre),
    factor * (unsigned_bytes(q.y) - centre),
    factor * (unsigned_bytes(q.z) - centre),
    factor * (unsigned_bytes(q.w) - centre),
  );
}
