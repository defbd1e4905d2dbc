// The ids of a router's `used` largest logits, largest first; of equal ones the lower id first.
fn select_experts(row: u32) {
  let logits = 4u * (params.x_at + row * params.x_stride);
  let chosen = 4u * (params.ids_at + row * params.ids_stride);
  for (var slot = 0u; slot < params.used; slot++) {
    var best = params.experts;
    for (var expert = 0u; expert < params.experts; expert++) {
      var is_taken = false;
      for (var before = 0u; before < slot; before++) {
        is_taken |= u32(ids[chosen + before]) == expert;
      }
      if (!is_taken && (best == params.experts || x[logits + expert] > x[logits + best])) {
        best = expert;
      }
    }
    ids[chosen + slot] = f32(best);
  }
  for (var slot = params.used; slot < 4u * params.ids_stride; slot++) {
    ids[chosen + slot] = 0.0;
  }
}
