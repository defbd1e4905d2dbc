// q4_0: value = d · (q − 8). A block is a unit: q in one quad, the low nibbles first; plane 1: d.
// include lib/unit
const HIGH_QUADS = 4u;

fn low_quad(unit: u32) -> u32 {
  return 8u * unit;
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = row * params.units + unit;
  let d = f16_value(half_of(params.plane_1, block));
  let q = quads[block];
  let nibbles = vec4<u32>(0x0f0f0f0fu);
  return Unit(centred_bytes(q & nibbles, d, 8.0), centred_bytes((q >> vec4<u32>(4u)) & nibbles, d, 8.0));
}
