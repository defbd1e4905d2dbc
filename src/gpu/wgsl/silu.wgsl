// silu: out = x / (1 + e^−x), element by element.
//   x, out  [chunk, channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  channels: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;

// include lib/element

fn element(i: u32) -> f32 {
  // e^−x overflows to infinity below −88.7, which a shader need not know: the quotient is then x · e^x.
  let value = x[i];
  if (value < -80.0) {
    return value * exp(value);
  }
  return value / (1.0 + exp(-value));
}
