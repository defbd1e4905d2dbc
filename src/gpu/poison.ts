// The bits that stand where nobody has written, in runs that are checked: what is computed from them is NaN, and where they changed,
// somebody wrote. Looked at as bits alone.

/** A quiet NaN, and no number that an engine makes. */
export const POISON = 0x7fc5_eed5;
/** Behind everything that a kernel writes. */
export const GUARD_BYTES = 256;
