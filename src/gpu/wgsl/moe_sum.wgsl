// moe_sum: out[c] = Σ_s shares[s] · x[s, c], slots from 0.
//   shares  [chunk, used]      x  [chunk, used, channels]      out  [chunk, channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  channels: u32,
  used: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> shares: array<f32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;
// include lib/element

fn element(i: u32) -> f32 {
  let row = i / params.channels;
  var sum = 0.0;
  for (var slot = 0u; slot < params.used; slot++) {
    sum += shares[row * params.used + slot] * x[(row * params.used + slot) * params.channels + i % params.channels];
  }
  return sum;
}
