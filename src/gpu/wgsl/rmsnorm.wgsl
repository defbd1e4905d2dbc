// rmsnorm: out = x / sqrt(mean(x²) + eps) · (gain + gain_offset), for each head of a position by itself. A workgroup makes one head.
//   gain  [head_channels]      x, out  [chunk, heads, head_channels]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  heads: u32,
  head_channels: u32,
  eps: f32,
  gain_offset: f32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> gain: array<f32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;

const THREADS = 64u;
var<workgroup> sums: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let first = ((place.first_row + workgroup.y) * params.heads + workgroup.x) * params.head_channels;
  var sum = 0.0;
  for (var i = thread; i < params.head_channels; i += THREADS) {
    sum += x[first + i] * x[first + i];
  }
  sums[thread] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      sums[thread] += sums[thread + half];
    }
    workgroupBarrier();
  }
  let scale = inverseSqrt(sums[0] / f32(params.head_channels) + params.eps);
  for (var i = thread; i < params.head_channels; i += THREADS) {
    out[first + i] = x[first + i] * scale * (gain[i] + params.gain_offset);
  }
}
