// Sums over LANES adjacent threads, which share a subgroup (src/gpu/lanes.ts makes sure): halves first, then quarters, and so on.
override LANES: u32 = 4u;

fn sum_lanes(value: vec4<f32>, thread: u32) -> vec4<f32> {
  var sum = value;
  for (var distance = LANES / 2u; distance > 0u; distance /= 2u) {
    sum += subgroupShuffleXor(sum, distance);
  }
  return sum;
}
