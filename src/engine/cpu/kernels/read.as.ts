// Reads memory and does nothing with it: the ceiling of what streams its weights.

/** Of byteLength bytes, a multiple of 64, front to back. Returns a value of them, to keep the loads. */
export function read(pointer: usize, byteLength: usize): i32 {
  let a = i32x4.splat(0), b = a, c = a, d = a;
  for (const end = pointer + byteLength; pointer < end; pointer += 64) {
    a = v128.or(a, v128.load(pointer));
    b = v128.or(b, v128.load(pointer, 16));
    c = v128.or(c, v128.load(pointer, 32));
    d = v128.or(d, v128.load(pointer, 48));
  }
  return i32x4.extract_lane(v128.or(v128.or(a, b), v128.or(c, d)), 0);
}
