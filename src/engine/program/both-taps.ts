// Two readers of one run.
import type { FloatArray, Tap } from './executor.ts';

/** Each gets the values that it asks for; neither may change them. */
export function bothTaps<Data extends FloatArray>(a: Tap<Data>, b: Tap<Data>): Tap<Data> {
  return {
    values: new Set([...a.values, ...b.values]),
    onValue: async (value, data, firstPosition) => {
      for (const tap of [a, b]) if (tap.values.has(value)) await tap.onValue(value, data, firstPosition);
    },
  };
}
