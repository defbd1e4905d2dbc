// Four bits of a word, from bit `at` on, each as bit 4 of a byte of its own.
fn fifth_bits(word: u32, at: u32) -> u32 {
  let bits = (word >> at) & 15u;
  return ((bits & 1u) << 4u) | ((bits & 2u) << 11u) | ((bits & 4u) << 18u) | ((bits & 8u) << 25u);
}
