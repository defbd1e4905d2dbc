// Arrays of the precision of another one: stages of the float64 executor stay doubles on their way to a sink.
import type { FloatArray } from '../program/executor.ts';

/** Zeros. */
export function floatsLike<Data extends FloatArray>(like: Data, length: number): Data {
  return (like instanceof Float64Array ? new Float64Array(length) : new Float32Array(length)) as Data;
}
