// Softmax of a router's logits at the chosen ids, over all experts or, renormalised, over the chosen.
fn route_experts(row: u32) {
  let logits = 4u * (params.x_at + row * params.x_stride);
  let chosen = 4u * (params.ids_at + row * params.ids_stride);
  let to = 4u * (params.shares_at + row * params.shares_stride);
  // The first id is the one of the largest.
  let largest = x[logits + u32(ids[chosen])];
  var total = 0.0;
  let count = select(params.experts, params.used, params.is_renormalised == 1u);
  for (var i = 0u; i < count; i++) {
    var expert = i;
    if (params.is_renormalised == 1u) {
      expert = u32(ids[chosen + i]);
    }
    total += exp(x[logits + expert] - largest);
  }
  for (var slot = 0u; slot < params.used; slot++) {
    shares[to + slot] = exp(x[logits + u32(ids[chosen + slot])] - largest) / total;
  }
  for (var slot = params.used; slot < 4u * params.shares_stride; slot++) {
    shares[to + slot] = 0.0;
  }
}
