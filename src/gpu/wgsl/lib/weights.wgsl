// Four rows of stored weights times the kernel's input, by LANES adjacent threads, each of which takes every LANES-th unit of 32 columns. Wants
// the bindings `quads` and `words`, the parameters of a weight, and fn input(quad) -> vec4<f32>.
// include weights/TYPE
// include lib/lanes
// include lib/times

/** Rows row … row + 3 of the buffer. For all threads at once. */
fn four_rows(row: u32, thread: u32) -> vec4<f32> {
  var sum = vec4<f32>();
  for (var unit = thread % LANES; unit < params.units; unit += LANES) {
    let at = low_quad(unit);
    let low = mat4x4<f32>(input(at), input(at + 1u), input(at + 2u), input(at + 3u));
    let high = mat4x4<f32>(input(at + HIGH_QUADS), input(at + HIGH_QUADS + 1u), input(at + HIGH_QUADS + 2u), input(at + HIGH_QUADS + 3u));
    for (var i = 0u; i < 4u; i++) {
      let product = times(decode(row + i, unit), low, high);
      sum += select(vec4<f32>(), vec4<f32>(product), vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(i));
    }
  }
  return sum_lanes(sum, thread);
}
