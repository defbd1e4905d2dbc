// moe_sum: out[c] = Σ_s shares[s] · x[s, c], slots from 0.
//   shares  [chunk, used]      x  [chunk, used, channels]      out  [chunk, channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  channels: u32,
  quads: u32,
  used: u32,
  out_at: u32,
  out_stride: u32,
  shares_at: u32,
  shares_stride: u32,
  x_at: u32,
  x_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> shares: array<f32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;
// include lib/element

fn element(row: u32, quad: u32) -> vec4<f32> {
  var sum = vec4<f32>();
  for (var slot = 0u; slot < params.used; slot++) {
    let share = shares[4u * (params.shares_at + row * params.shares_stride) + slot];
    let at = 4u * (params.x_at + row * params.x_stride) + slot * params.channels;
    for (var i = 0u; i < 4u; i++) {
      let channel = 4u * quad + i;
      if (channel < params.channels) {
        sum[i] += share * x[at + channel];
      }
    }
  }
  return sum;
}
