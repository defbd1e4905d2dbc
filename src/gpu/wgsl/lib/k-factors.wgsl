// What sub-block j of a q4_k or q5_k block is multiplied by, and what is taken off: d · scale_j and dmin · min_j. The header is the block's
// first 16 bytes: d and dmin, and in 12 bytes the scales and minima by six bits, of which 4 … 7 keep two apart.
fn k_factors(header: vec4<u32>, j: u32) -> vec2<f32> {
  let fields = header.yzw >> vec3<u32>(8u * (j & 3u));
  let first = vec2<u32>(fields.x & 63u, fields.y & 63u);
  let upper = vec2<u32>((fields.x >> 6u) & 3u, (fields.y >> 6u) & 3u) << vec2<u32>(4u);
  let second = vec2<u32>(fields.z & 15u, (fields.z >> 4u) & 15u) | upper;
  return f16_pair(header.x) * vec2<f32>(select(second, first, j < 4u));
}
