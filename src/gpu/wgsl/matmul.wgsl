// matmul for many positions: out[p, r] = Σ_c W[r, c] · x[p, c]. LANES threads make four rows of eight positions: a unit of each row is decoded once
// for all eight and stays in registers. Sums go in the order of product.wgsl.
//   W  rows of the part, as src/gpu/weights.ts lays them      x  [chunk, channels]      out  [chunk, rows]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  units: u32,
  plane_1: u32,
  plane_2: u32,
  row_step: u32,
  row_shift: u32,
  /** Of this part, a multiple of four. */
  rows: u32,
  quads: u32,
  x_at: u32,
  x_stride: u32,
  out_at: u32,
  out_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> quads: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> words: array<u32>;
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;
// include weights/TYPE
// include lib/lanes
// include lib/times

const POSITIONS = 8u;

/** Whether a row has whole units of 32 channels, so that nothing is read beyond it. */
override IS_WHOLE: bool = false;

fn input(row_at: u32, quad: u32) -> vec4<f32> {
  if (IS_WHOLE) {
    return x[row_at + quad];
  }
  return select(vec4<f32>(), x[row_at + min(quad, params.quads - 1u)], quad < params.quads);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let group = (workgroup.x + workgroups.x * workgroup.y) * (64u / LANES) + thread / LANES;
  // A group past the end makes the last one's rows, and keeps them to itself.
  let mine = min(group, params.rows / 4u - 1u);
  let row = mine * params.row_step + params.row_shift;
  let first = POSITIONS * workgroup.z;
  var sums = array<vec4<f32>, POSITIONS>();
  for (var unit = thread % LANES; unit < params.units; unit += LANES) {
    let at = low_quad(unit);
    let a = decode(row, unit);
    let b = decode(row + 1u, unit);
    let c = decode(row + 2u, unit);
    let d = decode(row + 3u, unit);
    for (var p = 0u; p < POSITIONS; p++) {
      // A position past the end is the last one again, and is not written.
      let origin = params.x_at + (place.first_row + min(first + p, place.row_count - 1u)) * params.x_stride;
      let low = mat4x4<f32>(input(origin, at), input(origin, at + 1u), input(origin, at + 2u), input(origin, at + 3u));
      let high = mat4x4<f32>(
        input(origin, at + HIGH_QUADS),
        input(origin, at + HIGH_QUADS + 1u),
        input(origin, at + HIGH_QUADS + 2u),
        input(origin, at + HIGH_QUADS + 3u),
      );
      sums[p] += vec4<f32>(times(a, low, high), times(b, low, high), times(c, low, high), times(d, low, high));
    }
  }
  for (var p = 0u; p < POSITIONS; p++) {
    let sum = sum_lanes(sums[p], thread);
    if (group == mine && thread % LANES == 0u && first + p < place.row_count) {
      out[params.out_at + (place.first_row + first + p) * params.out_stride + group] = sum;
    }
  }
}
