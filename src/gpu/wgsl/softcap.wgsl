// softcap: out = cap · tanh(x / cap), element by element. A NaN is seen by its bits, and stays one.
//   x, out  [chunk, channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  quads: u32,
  out_at: u32,
  out_stride: u32,
  x_at: u32,
  x_stride: u32,
  cap: f32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
// include lib/tanh
// include lib/element

fn element(row: u32, quad: u32) -> vec4<f32> {
  let value = x[params.x_at + row * params.x_stride + quad];
  let u = value / params.cap;
  let is_nan = (bitcast<vec4<u32>>(value) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
  return select(params.cap * vec4<f32>(tanh_of(u.x), tanh_of(u.y), tanh_of(u.z), tanh_of(u.w)), value, is_nan);
}
