// silu and gelu of four numbers, without what overflows: a shader need not know of infinity.
fn silu_of(x: f32) -> f32 {
  // e^−x would be infinite below −88.7: there the quotient is x · e^x.
  if (x < -80.0) {
    return x * exp(x);
  }
  return x / (1.0 + exp(-x));
}

fn gelu_of(x: f32) -> f32 {
  // By e^−2u, since 1 + tanh u cancels below 0.
  let u = 0.7978845608028654 * (x + 0.044715 * x * x * x);
  if (u < -40.0) {
    return x * exp(max(2.0 * u, -200.0));
  }
  return x / (1.0 + exp(-2.0 * min(u, 40.0)));
}

fn silu4(x: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(silu_of(x.x), silu_of(x.y), silu_of(x.z), silu_of(x.w));
}

fn gelu4(x: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(gelu_of(x.x), gelu_of(x.y), gelu_of(x.z), gelu_of(x.w));
}
