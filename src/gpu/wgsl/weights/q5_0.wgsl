// q5_0: value = d · (q − 16). A block is a unit: q's lower four bits in one quad, the low nibbles first; plane 1: d; plane 2: the fifth bits.
// include lib/fifth-bits
// include lib/unit
const HIGH_QUADS = 4u;

fn low_quad(unit: u32) -> u32 {
  return 8u * unit;
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = row * params.units + unit;
  let d = f16_value(half_of(params.plane_1, block));
  let q = quads[block];
  let fifth = words[params.plane_2 + block];
  let nibbles = vec4<u32>(0x0f0f0f0fu);
  let low = (q & nibbles) | fifth_bits(fifth, 0u);
  let high = ((q >> vec4<u32>(4u)) & nibbles) | fifth_bits(fifth, 16u);
  return Unit(centred_bytes(low, d, 16.0), centred_bytes(high, d, 16.0));
}
