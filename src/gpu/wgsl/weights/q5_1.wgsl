// q5_1: value = d · q + m. A block is a unit: q's lower four bits in one quad, the low nibbles first; plane 1: d and m; plane 2: the fifth bits.
// include lib/fifth-bits
// include lib/unit
const HIGH_QUADS = 4u;

fn low_quad(unit: u32) -> u32 {
  return 8u * unit;
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = row * params.units + unit;
  let factors = f16_pair(words[params.plane_1 + block]);
  let q = quads[block];
  let fifth = words[params.plane_2 + block];
  let nibbles = vec4<u32>(0x0f0f0f0fu);
  let low = (q & nibbles) | fifth_bits(fifth, 0u);
  let high = ((q >> vec4<u32>(4u)) & nibbles) | fifth_bits(fifth, 16u);
  return Unit(scaled_bytes(low, factors.x, factors.y), scaled_bytes(high, factors.x, factors.y));
}
