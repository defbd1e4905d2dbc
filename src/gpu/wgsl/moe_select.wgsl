// moe_select: the ids of a router's used largest logits, largest first; of equal ones the lower id first. A thread makes one position.
//   x  [chunk, experts]      out  [chunk, used], ids as numbers
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  experts: u32,
  used: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= place.row_count) {
    return;
  }
  let row = place.first_row + id.x;
  for (var slot = 0u; slot < params.used; slot++) {
    var best = params.experts;
    for (var expert = 0u; expert < params.experts; expert++) {
      var is_taken = false;
      for (var before = 0u; before < slot; before++) {
        is_taken |= u32(out[row * params.used + before]) == expert;
      }
      if (!is_taken && (best == params.experts || x[row * params.experts + expert] > x[row * params.experts + best])) {
        best = expert;
      }
    }
    out[row * params.used + slot] = f32(best);
  }
}
