// What buffers are for, by the numbers of the specification: the global names exist in pages and not in every type library.
export const MAP_READ = 0x1;
export const COPY_SRC = 0x4;
export const COPY_DST = 0x8;
export const UNIFORM = 0x40;
export const STORAGE = 0x80;
/** Of `mapAsync`. */
export const READ = 0x1;
