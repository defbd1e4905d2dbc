// Where the units of q2_k and q3_k lie: of each half of a block two quads hold 16 bytes of four runs of 32 columns, two bits each. A
// unit takes two runs of one quad: unit = 4 · half + 2 · pair of runs + quad.
const HIGH_QUADS = 8u;

fn low_quad(unit: u32) -> u32 {
  return 32u * (unit >> 2u) + 16u * ((unit >> 1u) & 1u) + 4u * (unit & 1u);
}

/** Bits 2 · run and 2 · run + 1 of each byte. */
fn two_bits(q: vec4<u32>, run: u32) -> vec4<u32> {
  return (q >> vec4<u32>(2u * run)) & vec4<u32>(0x03030303u);
}
