// q5_k: value = d · scale_j · q − dmin · min_j, sub-blocks j of 32 values. A block is 11 quads as stored: the header, two of fifth bits (bit j
// of a byte: of sub-block j), q's lower four bits.
// include lib/unit
// include lib/k-factors
const HIGH_QUADS = 8u;

/** A pair of units shares a run of 64 columns: half of its low sub-block and of its high one each. */
fn low_quad(unit: u32) -> u32 {
  return 16u * (unit >> 1u) + 4u * (unit & 1u);
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = 11u * ((row * params.units + unit) >> 3u);
  let u = unit & 7u;
  let header = quads[block];
  let fifth = quads[block + 1u + (u & 1u)];
  let q = quads[block + 3u + u];
  let j = u & 6u;
  let low = k_factors(header, j);
  let high = k_factors(header, j + 1u);
  let nibbles = vec4<u32>(0x0f0f0f0fu);
  let ones = vec4<u32>(0x01010101u);
  let low_q = (q & nibbles) | (((fifth >> vec4<u32>(j)) & ones) << vec4<u32>(4u));
  let high_q = ((q >> vec4<u32>(4u)) & nibbles) | (((fifth >> vec4<u32>(j + 1u)) & ones) << vec4<u32>(4u));
  return Unit(scaled_bytes(low_q, low.x, -low.y), scaled_bytes(high_q, high.x, -high.y));
}
