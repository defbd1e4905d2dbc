// scale: out = factor · x, element by element.
//   x, out  [chunk, channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  channels: u32,
  factor: f32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
// include lib/element

fn element(i: u32) -> f32 {
  return params.factor * x[i];
}
