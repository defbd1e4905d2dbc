// f16: a unit is 4 quads, of eight values each.
// include lib/unit
const HIGH_QUADS = 4u;

fn low_quad(unit: u32) -> u32 {
  return 8u * unit;
}

fn four(a: u32, b: u32) -> vec4<f32> {
  return vec4<f32>(f16_pair(a), f16_pair(b));
}

fn run_of(a: vec4<u32>, b: vec4<u32>) -> mat4x4<f32> {
  return mat4x4<f32>(four(a.x, a.y), four(a.z, a.w), four(b.x, b.y), four(b.z, b.w));
}

fn decode(row: u32, unit: u32) -> Unit {
  let at = 4u * (row * params.units + unit);
  return Unit(run_of(quads[at], quads[at + 1u]), run_of(quads[at + 2u], quads[at + 3u]));
}
