// The fifth bits of 16 values, from bit `at` of a word on, each as bit 4 of a byte of its own.
fn fifth_bits(word: u32, at: u32) -> vec4<u32> {
  let bits = (vec4<u32>(word) >> vec4<u32>(at, at + 4u, at + 8u, at + 12u)) & vec4<u32>(15u);
  return ((bits & vec4<u32>(1u)) << vec4<u32>(4u)) | ((bits & vec4<u32>(2u)) << vec4<u32>(11u)) | ((bits & vec4<u32>(4u)) << vec4<u32>(18u)) | ((bits & vec4<u32>(8u)) << vec4<u32>(25u));
}
