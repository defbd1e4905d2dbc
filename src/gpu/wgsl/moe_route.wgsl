// moe_route: softmax of a router's logits at the chosen ids, over all experts or, renormalised, over the chosen. A thread makes one
// position.
//   ids, out  [chunk, used]      x  [chunk, experts]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  experts: u32,
  used: u32,
  is_renormalised: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> ids: array<f32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= place.row_count) {
    return;
  }
  let row = place.first_row + id.x;
  let largest = x[row * params.experts + u32(ids[row * params.used])];
  var total = 0.0;
  let count = select(params.experts, params.used, params.is_renormalised == 1u);
  for (var i = 0u; i < count; i++) {
    var expert = i;
    if (params.is_renormalised == 1u) {
      expert = u32(ids[row * params.used + i]);
    }
    total += exp(x[row * params.experts + expert] - largest);
  }
  for (var slot = 0u; slot < params.used; slot++) {
    out[row * params.used + slot] = exp(x[row * params.experts + u32(ids[row * params.used + slot])] - largest) / total;
  }
}
