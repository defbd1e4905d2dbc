// mul: out = a · b, element by element.
//   a, b, out  [chunk, channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  quads: u32,
  out_at: u32,
  out_stride: u32,
  a_at: u32,
  a_stride: u32,
  b_at: u32,
  b_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> b: array<vec4<f32>>;
// include lib/element

fn element(row: u32, quad: u32) -> vec4<f32> {
  return a[params.a_at + row * params.a_stride + quad] * b[params.b_at + row * params.b_stride + quad];
}
