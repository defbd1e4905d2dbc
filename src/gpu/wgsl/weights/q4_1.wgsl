// q4_1: value = d · q + m. A block is a unit: q in one quad, the low nibbles first; plane 1: d and m.
// include lib/unit
const HIGH_QUADS = 4u;

fn low_quad(unit: u32) -> u32 {
  return 8u * unit;
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = row * params.units + unit;
  let factors = f16_pair(words[params.plane_1 + block]);
  let q = quads[block];
  let nibbles = vec4<u32>(0x0f0f0f0fu);
  return Unit(scaled_bytes(q & nibbles, factors.x, factors.y), scaled_bytes((q >> vec4<u32>(4u)) & nibbles, factors.x, factors.y));
}
