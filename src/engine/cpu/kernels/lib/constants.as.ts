// Vector constants in memory, those of every subject; each subject has a file of its own beside this one. V8 builds a
// v128 constant anew at every use (three instructions, one busy port), but keeps a loaded one in a register. They lie
// at fixed addresses below the first buffer: here 64 and 336, of stored types 80 to 335 and 560 to 687, of e^x 352 to
// 559. Every module that uses them writes the same bytes there when it is instantiated, so that modules can share a
// memory.

export const ZERO: usize = 64;
export const F32_ONE: usize = 336;

/** The word in each lane. */
export function place(address: usize, word: u32): void {
  v128.store(address, i32x4.splat(word));
}

place(ZERO, 0);
place(F32_ONE, 0x3f800000);
