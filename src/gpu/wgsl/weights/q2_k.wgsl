// q2_k: value = d · scale_g · q − dmin · min_g, groups g of 16 values. A block is 5 quads: 16 bytes of scales (low nibble) and minima, then q; plane
// 1: d and dmin.
// include lib/unit
// include lib/two-bits

fn factors_of(block: u32, group: u32) -> vec2<f32> {
  let both = (words[20u * block + (group >> 2u)] >> (8u * (group & 3u))) & 255u;
  return f16_pair(words[params.plane_1 + block]) * vec2<f32>(f32(both & 15u), f32(both >> 4u));
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = (row * params.units + unit) >> 3u;
  let u = unit & 7u;
  let run = u & 2u;
  let q = quads[5u * block + 1u + 2u * (u >> 2u) + (u & 1u)];
  let group = 8u * (u >> 2u) + 2u * run + (u & 1u);
  let low = factors_of(block, group);
  let high = factors_of(block, group + 2u);
  return Unit(scaled_bytes(two_bits(q, run), low.x, -low.y), scaled_bytes(two_bits(q, run + 1u), high.x, -high.y));
}
