// moe_select: which experts a router chooses. A thread makes one position.
//   x  [chunk, experts]      ids  [chunk, used], as numbers
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  experts: u32,
  used: u32,
  x_at: u32,
  x_stride: u32,
  ids_at: u32,
  ids_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> ids: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
// include lib/select-experts

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < place.row_count) {
    select_experts(place.first_row + id.x);
  }
}
