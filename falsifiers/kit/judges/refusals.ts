// What a measurement does when the product refuses. Where a refusal is what was asked for, that is counted by the claim
// itself; where an answer was due, a refusal is a failed measurement and not an accident of the falsifier.
import { RefuteError } from '../../../src/errors.ts';

/** NaN, which is within no bar, where the product refuses with a typed error; any other exception passes through. */
export async function orNaN(measured: () => number | Promise<number>): Promise<number> {
  try {
    return await measured();
  } catch (error) {
    if (error instanceof RefuteError) return NaN;
    throw error;
  }
}
