// Stored floats: read as they are, rounded once to float32, or taken as float32 only where that is what they are.
import { RefuteError } from '../../errors.ts';
import type { ByteSource } from '../../engine/io/byte-source.ts';
import type { FloatArray } from '../../engine/program/executor.ts';
import { dequantizeExact } from '../../oracles/float64/dequantize/dequantize-exact.ts';
import type { StoredFloat } from './recording.ts';

export const FLOAT_BYTES: Readonly<Record<StoredFloat, number>> = { f64: 8, f32: 4, f16: 2, bf16: 2 };

/** The largest that one typed array can be read into here. */
export const MAX_TENSOR_BYTES: number = 2 ** 32;

/** Every bit of float32 and float64 is kept; half floats become float32. */
export async function readFloats(
  source: ByteSource,
  { dtype, byteOffset, elementCount }: { dtype: StoredFloat; byteOffset: number; elementCount: number },
  place: string,
): Promise<FloatArray> {
  const byteLength = elementCount * FLOAT_BYTES[dtype];
  if (!(byteLength <= MAX_TENSOR_BYTES)) {
    const is = `it has ${byteLength} bytes`;
    throw new RefuteError({ code: 'E_CAPTURE_STAGE', place, is, allowed: `at most ${MAX_TENSOR_BYTES} are read` });
  }
  const bytes = new Uint8Array(byteLength);
  await source.read(byteOffset, bytes);
  // Little-endian in the file and, as WebAssembly demands of us anyway, in memory.
  if (dtype === 'f64') return new Float64Array(bytes.buffer);
  return dtype === 'f32' ? new Float32Array(bytes.buffer) : Float32Array.from(dequantizeExact(dtype, bytes));
}

/** Rounded once where they are doubles. */
export function roundedFloats(values: FloatArray): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/**
 * An op is judged on the very values that it read; rounded, they would be others, and a healthy op would be found
 * at fault where its terms cancel.
 *
 * @throws RefuteError E_DUMP_PRECISION at a value that float32 does not hold
 */
export function exactFloats(values: FloatArray, place: string): Float32Array {
  const floats = roundedFloats(values);
  const at = floats.findIndex((value, i) => !Object.is(value, values[i]));
  if (at === -1) return floats;
  throw notFloat32(place, `element ${at} is ${values[at]}, which float32 does not hold`);
}

export function notFloat32(place: string, is: string): RefuteError {
  const allowed = 'ops are judged on the values that they read, in float32 or less';
  const next = 'What an engine computed in double precision is a reference pack: --pack';
  return new RefuteError({ code: 'E_DUMP_PRECISION', place, is, allowed, next });
}
