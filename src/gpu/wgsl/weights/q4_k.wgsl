// q4_k: value = d · scale_j · q − dmin · min_j, sub-blocks j of 32 values. A block is 9 quads as stored: the header, then q.
// include lib/unit
// include lib/k-factors
const HIGH_QUADS = 8u;

/** A pair of units shares a run of 64 columns: half of its low sub-block and of its high one each. */
fn low_quad(unit: u32) -> u32 {
  return 16u * (unit >> 1u) + 4u * (unit & 1u);
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = 9u * ((row * params.units + unit) >> 3u);
  let u = unit & 7u;
  let header = quads[block];
  let q = quads[block + 1u + u];
  let low = k_factors(header, u & 6u);
  let high = k_factors(header, u | 1u);
  let nibbles = vec4<u32>(0x0f0f0f0fu);
  return Unit(scaled_bytes(q & nibbles, low.x, -low.y), scaled_bytes((q >> vec4<u32>(4u)) & nibbles, high.x, -high.y));
}
