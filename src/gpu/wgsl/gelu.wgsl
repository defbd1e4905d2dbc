// gelu: out = x/2 · (1 + tanh u) = x / (1 + e^−2u), u = √(2/π) · (x + 0.044715 · x³), element by element.
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
  // The second form: the first cancels below 0. e^−2u stays finite.
  let value = x[i];
  let u = 0.7978845608028654 * (value + 0.044715 * value * value * value);
  if (u < -40.0) {
    return value * exp(max(2.0 * u, -200.0));
  }
  return value / (1.0 + exp(-2.0 * min(u, 40.0)));
}
