// Seeds: a claim's own by default, so that a rerun tries the same inputs; every search of a part has one of its own.
import { createHash } from 'node:crypto';

/** A non-negative 31-bit seed that follows from the claim's id alone. */
export function seedOfClaim(claimId: string): number {
  return createHash('sha256').update(claimId).digest().readUInt32BE(0) >>> 1;
}

/** Seed of the n-th search of a part: two searches over one arbitrary must not try the same inputs. */
export function seedOfSearch(partSeed: number, searchIndex: number): number {
  // The golden ratio in 32 bits spreads neighbouring indices over the whole range.
  return (partSeed + Math.imul(searchIndex, 0x9e3779b9)) | 0;
}
