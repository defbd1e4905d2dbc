// A unit of weights times the columns of the input that it stands for.
fn times(weights: Unit, low: mat4x4<f32>, high: mat4x4<f32>) -> f32 {
  let first = (dot(weights.low[0], low[0]) + dot(weights.low[1], low[1])) + (dot(weights.low[2], low[2]) + dot(weights.low[3], low[3]));
  let second = (dot(weights.high[0], high[0]) + dot(weights.high[1], high[1])) + (dot(weights.high[2], high[2]) + dot(weights.high[3], high[3]));
  return first + second;
}
