// The 12 bytes that hold eight 6-bit scales and eight 6-bit minima of q4_k and q5_k. With s the bytes:
//   sub-block j < 4:  scale = s[j] & 63,                                minimum = s[j + 4] & 63
//   sub-block j ≥ 4:  scale = low nibble of s[j + 4]  | top 2 bits of s[j − 4] as bits 4 and 5,
//                     minimum = high nibble of s[j + 4] | top 2 bits of s[j] as bits 4 and 5

/** @param at where the 12 bytes begin */
export function sixBitScale(bytes: DataView, at: number, j: number): number {
  if (j < 4) return bytes.getUint8(at + j) & 63;
  return (bytes.getUint8(at + j + 4) & 15) + 16 * (bytes.getUint8(at + j - 4) >> 6);
}

/** @param at where the 12 bytes begin */
export function sixBitMinimum(bytes: DataView, at: number, j: number): number {
  if (j < 4) return bytes.getUint8(at + j + 4) & 63;
  return (bytes.getUint8(at + j + 4) >> 4) + 16 * (bytes.getUint8(at + j) >> 6);
}
