// rope: turns pairs of a head's first rotary_dim channels by the position's angles and copies the rest.
//   table  [chunk, 2, rotary_dim / 2], cosines before sines      x, out  [chunk, channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  channels: u32,
  quads: u32,
  head_dim: u32,
  rotary_dim: u32,
  /** 1: a pair is i and i + rotary_dim / 2; 0: 2i and 2i + 1. */
  is_neox: u32,
  x_at: u32,
  x_stride: u32,
  out_at: u32,
  out_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;
// include lib/element

fn element(row: u32, quad: u32) -> vec4<f32> {
  return vec4<f32>(turned(row, 4u * quad), turned(row, 4u * quad + 1u), turned(row, 4u * quad + 2u), turned(row, 4u * quad + 3u));
}

fn turned(row: u32, number: u32) -> f32 {
  if (number >= params.channels) {
    return 0.0;
  }
  let i = 4u * (params.x_at + row * params.x_stride) + number;
  let channel = number % params.head_dim;
  if (channel >= params.rotary_dim) {
    return x[i];
  }
  let half = params.rotary_dim / 2u;
  let is_second = select(channel & 1u, channel / half, params.is_neox == 1u) == 1u;
  let pair = select(channel / 2u, channel % half, params.is_neox == 1u);
  let distance = select(1u, half, params.is_neox == 1u);
  let cosine = table[row * params.rotary_dim + pair];
  let sine = table[row * params.rotary_dim + half + pair];
  if (is_second) {
    return x[i] * cosine + x[i - distance] * sine;
  }
  return x[i] * cosine - x[i + distance] * sine;
}
