// f32: a unit is 8 quads.
// include lib/unit
const HIGH_QUADS = 4u;

fn low_quad(unit: u32) -> u32 {
  return 8u * unit;
}

fn decode(row: u32, unit: u32) -> Unit {
  let at = 8u * (row * params.units + unit);
  let low = mat4x4<f32>(bitcast<vec4<f32>>(quads[at]), bitcast<vec4<f32>>(quads[at + 1u]), bitcast<vec4<f32>>(quads[at + 2u]), bitcast<vec4<f32>>(quads[at + 3u]));
  let high = mat4x4<f32>(bitcast<vec4<f32>>(quads[at + 4u]), bitcast<vec4<f32>>(quads[at + 5u]), bitcast<vec4<f32>>(quads[at + 6u]), bitcast<vec4<f32>>(quads[at + 7u]));
  return Unit(low, high);
}
