// q8_0: value = d · q. A block is a unit: q in two quads; plane 1: d.
// include lib/unit
const HIGH_QUADS = 4u;

fn low_quad(unit: u32) -> u32 {
  return 8u * unit;
}

fn run_of(q: vec4<u32>, d: f32) -> mat4x4<f32> {
  return mat4x4<f32>(d * signed_bytes(q.x), d * signed_bytes(q.y), d * signed_bytes(q.z), d * signed_bytes(q.w));
}

fn decode(row: u32, unit: u32) -> Unit {
  let block = row * params.units + unit;
  let d = f16_value(half_of(params.plane_1, block));
  return Unit(run_of(quads[2u * block], d), run_of(quads[2u * block + 1u], d));
}
