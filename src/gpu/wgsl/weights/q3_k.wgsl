// q3_k: value = d · (scale_g − 32) · (q − 4), groups g of 16 values. A block is 6 quads: two of q's third bits (bit r of a byte: of run r of 32), four
// of its lower two; plane 1: 12 bytes of scales; plane 2: d.
// include lib/unit
// include lib/two-bits

fn scale_of(block: u32, group: u32) -> f32 {
  let at = params.plane_1 + 3u * block;
  let shift = 8u * (group & 3u);
  let low = (words[at + ((group >> 2u) & 1u)] >> (shift + 4u * (group >> 3u))) & 15u;
  let high = (words[at + 2u] >> (shift + 2u * (group >> 2u))) & 3u;
  return f16_value(half_of(params.plane_2, block)) * (f32(low | (high << 4u)) - 32.0);
}

fn third_bits(bits: vec4<u32>, run: u32) -> vec4<u32> {
  return ((bits >> vec4<u32>(run)) & vec4<u32>(0x01010101u)) << vec4<u32>(2u);
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = (row * params.units + unit) >> 3u;
  let u = unit & 7u;
  let run = u & 2u;
  let third = quads[6u * block + (u & 1u)];
  let q = quads[6u * block + 2u + 2u * (u >> 2u) + (u & 1u)];
  let group = 8u * (u >> 2u) + 2u * run + (u & 1u);
  // Of the whole block's eight runs.
  let bit = 4u * (u >> 2u) + run;
  let low = two_bits(q, run) | third_bits(third, bit);
  let high = two_bits(q, run + 1u) | third_bits(third, bit + 1u);
  return Unit(centred_bytes(low, scale_of(block, group), 4.0), centred_bytes(high, scale_of(block, group + 2u), 4.0));
}
