// q6_k: value = d · scale_g · (q − 32), groups g of 16 values. A block is 12 quads: eight of q's lower four bits, four of its upper two; plane 1:
// the scales, 16 signed bytes; plane 2: d.
// include lib/unit
const HIGH_QUADS = 16u;

/** Units 4n … 4n + 3 share half n of a block: a run of its first 64 values each, and the run 64 behind. */
fn low_quad(unit: u32) -> u32 {
  return 32u * (unit >> 2u) + 4u * (unit & 3u);
}

fn scale_at(block: u32, group: u32) -> f32 {
  return f32(bitcast<i32>((words[params.plane_1 + 4u * block + (group >> 2u)] >> (8u * (group & 3u))) << 24u) >> 24u);
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = (row * params.units + unit) >> 3u;
  let u = unit & 7u;
  let d = f16_value(half_of(params.plane_2, block));
  let group = 8u * (u >> 2u) + (u & 3u);
  let q = quads[12u * block + u];
  let upper = quads[12u * block + 8u + 2u * (u >> 2u) + (u & 1u)] >> vec4<u32>(u & 2u);
  let nibbles = vec4<u32>(0x0f0f0f0fu);
  let pairs = vec4<u32>(0x03030303u);
  let low = (q & nibbles) | ((upper & pairs) << vec4<u32>(4u));
  let high = ((q >> vec4<u32>(4u)) & nibbles) | (((upper >> vec4<u32>(4u)) & pairs) << vec4<u32>(4u));
  return Unit(centred_bytes(low, d * scale_at(block, group), 32.0), centred_bytes(high, d * scale_at(block, group + 4u), 32.0));
}
