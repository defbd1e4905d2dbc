// tanh to a few roundings everywhere: the language promises no accuracy of its own. Near 0 by its series, whose next term is below
// 2^-26 of it; else by e^−2|u|.
fn tanh_of(u: f32) -> f32 {
  let size = abs(u);
  if (size < 0.25) {
    let square = u * u;
    return u * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 + square * (-17.0 / 315.0 + square * (62.0 / 2835.0 - square * (1382.0 / 155925.0))))));
  }
  let power = exp(-2.0 * min(size, 40.0));
  let value = (1.0 - power) / (1.0 + power);
  return select(value, -value, u < 0.0);
}
