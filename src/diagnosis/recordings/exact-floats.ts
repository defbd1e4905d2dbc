// Doubles of a dump as float32, where that is what they are. An op is judged on the very values that it read; rounded, they
// would be others, and a healthy op would be found at fault where its terms cancel.
import { RefuteError } from '../../errors.ts';

/** @throws RefuteError E_DUMP_PRECISION at a value that float32 does not hold */
export function exactFloats(values: Float64Array, place: string): Float32Array {
  const floats = Float32Array.from(values);
  const at = floats.findIndex((value, i) => !Object.is(value, values[i]));
  if (at === -1) return floats;
  throw notFloat32(place, `element ${at} is ${values[at]}, which float32 does not hold`);
}

export function notFloat32(place: string, is: string): RefuteError {
  return new RefuteError({
    code: 'E_DUMP_PRECISION',
    place,
    is,
    allowed: 'ops are judged on the values that they read, in float32 or less',
    next: 'What an engine computed in double precision is a reference pack: --pack',
  });
}
