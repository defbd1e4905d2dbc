// scale: out = factor · x, element by element.
//   x, out  [chunk, channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  quads: u32,
  out_at: u32,
  out_stride: u32,
  x_at: u32,
  x_stride: u32,
  factor: f32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
// include lib/element

fn element(row: u32, quad: u32) -> vec4<f32> {
  return params.factor * x[params.x_at + row * params.x_stride + quad];
}
