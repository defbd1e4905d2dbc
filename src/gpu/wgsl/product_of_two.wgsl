// product_of_two: as product.wgsl, for two matrices of different types with the same input: out = [W_a · x | W_b · x] (+ bias). A workgroup makes rows
// of one of them.
//   x  [chunk, channels]      out  [chunk, rows + rows_b]      vectors  gain [channels] at gain_at, bias [rows + rows_b] at bias_at
//   inner  the norm, the products
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  units: u32,
  plane_1: u32,
  plane_2: u32,
  plane_1_b: u32,
  plane_2_b: u32,
  /** Of each, a multiple of four. */
  rows: u32,
  rows_b: u32,
  channels: u32,
  quads: u32,
  x_at: u32,
  x_stride: u32,
  out_at: u32,
  out_stride: u32,
  has_bias: u32,
  gain_at: u32,
  bias_at: u32,
  eps: f32,
  gain_offset: f32,
  norm_at: u32,
  raw_at: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> inner: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> quads: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> words: array<u32>;
@group(0) @binding(6) var<storage, read> quads_b: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read> words_b: array<u32>;
@group(0) @binding(8) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(9) var<storage, read> vectors: array<vec4<f32>>;
// include lib/tapped
// include lib/input
// include lib/weights
// include lib/weights as b

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let number = workgroup.x + workgroups.x * workgroup.y;
  let clusters = 64u / LANES;
  let row = place.first_row;
  open_input(params.x_at + row * params.x_stride, thread, number == 0u);
  let groups = params.rows / 4u;
  let workgroups_of_a = (groups + clusters - 1u) / clusters;
  var group = 0u;
  var is_there = false;
  var sum = vec4<f32>();
  // A group past the end makes the last one's rows, and keeps them to itself.
  if (number < workgroups_of_a) {
    group = number * clusters + thread / LANES;
    is_there = group < groups;
    sum = four_rows(4u * min(group, groups - 1u), thread);
  } else {
    let groups_b = params.rows_b / 4u;
    let group_b = (number - workgroups_of_a) * clusters + thread / LANES;
    group = groups + group_b;
    is_there = group_b < groups_b;
    sum = four_rows_b(4u * min(group_b, groups_b - 1u), thread);
  }
  if (is_there && thread % LANES == 0u) {
    show(params.raw_at, group, sum);
    if (params.has_bias == 1u) {
      sum += vectors[params.bias_at + group];
    }
    out[params.out_at + row * params.out_stride + group] = sum;
  }
}
