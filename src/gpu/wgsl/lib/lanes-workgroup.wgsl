// Sums over LANES adjacent threads through workgroup memory: halves first, then quarters, and so on. For all 64 threads at once.
override LANES: u32 = 16u;
var<workgroup> lane_sums: array<vec4<f32>, 64>;

fn sum_lanes(value: vec4<f32>, thread: u32) -> vec4<f32> {
  var sum = value;
  for (var distance = LANES / 2u; distance > 0u; distance /= 2u) {
    lane_sums[thread] = sum;
    workgroupBarrier();
    sum += lane_sums[thread ^ distance];
    workgroupBarrier();
  }
  return sum;
}
