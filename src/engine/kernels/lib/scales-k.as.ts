// The twelve bytes of scales and mins that q4_k and q5_k share: eight pairs of 6-bit numbers.
//
//   bytes 0..3:  scale 0..3 (low 6 bits), upper 2 bits of scale 4..7 (high 2 bits)
//   bytes 4..7:  min 0..3 (low 6 bits), upper 2 bits of min 4..7 (high 2 bits)
//   bytes 8..11: low 4 bits of scale 4..7 (low nibble), of min 4..7 (high nibble)

/** Scale of sub-block j, 0..7. */
export function subScale(packed: usize, j: i32): i32 {
  const p = packed + <usize>j;
  return j < 4 ? load<u8>(p) & 63 : (load<u8>(p, 4) & 15) | ((load<u8>(p - 4) >> 6) << 4);
}

/** Min of sub-block j, 0..7. */
export function subMin(packed: usize, j: i32): i32 {
  const p = packed + <usize>j;
  return j < 4 ? load<u8>(p, 4) & 63 : (load<u8>(p, 4) >> 4) | ((load<u8>(p) >> 6) << 4);
}
