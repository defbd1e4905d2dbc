// What a contract file may cost before it is refused. The largest contract known (64 KB, 1,100 lines, depth 9) is far
// below each of these; a file above one is an attack or an accident: it is refused with PV-002, not read.

/** Checked before the file is read, so that a huge file costs one stat. */
export const MAX_FILE_BYTES: number = 1024 * 1024;
export const MAX_LINES = 20_000;
/** UTF-16 code units. Long changelog sentences reach some thousand. */
export const MAX_LINE_LENGTH: number = 64 * 1024;
/** Maps and lists inside one another. */
export const MAX_DEPTH = 64;
/** Values after aliases are followed, which is what an alias bomb multiplies. */
export const MAX_NODES = 100_000;
export const MAX_ALIASES = 100;
/** Syntax errors shown per file; one slip often causes a train of them. */
export const MAX_SYNTAX_ERRORS = 5;
