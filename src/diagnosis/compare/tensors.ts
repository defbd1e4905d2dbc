// Compares two tensors of equal length, element by element, and sums up how they differ. Pure, no tolerance and no
// verdict: whether a difference is too large is for the error budgets to say.

/** One pair of elements that are not the same 32 bits. */
export interface Divergence {
  index: number;
  a: number;
  b: number;
  /** |a − b|; Infinity where only one side is NaN, or an infinity meets anything but itself. */
  absDiff: number;
  /** The 32 bits as stored, `0x` and eight digits: tells −0 from 0 and one NaN from another. */
  bitsA: string;
  bitsB: string;
}

export interface TensorComparison {
  elementCount: number;
  /** Elements whose 32 bits are not the same. */
  differingCount: number;
  /** Every bit equal, and at least one element compared. */
  bitIdentical: boolean;
  /** max |a − b|; Infinity as soon as one pair has no finite difference. */
  maxAbsDiff: number;
  /** First element with that difference; null where no bit differs. */
  maxAbsDiffIndex: number | null;
  /** sqrt(Σ(a−b)² / n). */
  rmsDiff: number;
  /** Σab / sqrt(Σa² Σb²); null where it has no value, and then `cosineUndefined` says why. */
  cosine: number | null;
  cosineUndefined: CosineUndefined | null;
  /** Σ(a−b)² / Σa², so A is the reference; null where Σa² = 0 and something differs. */
  nmse: number | null;
  nanInA: number;
  nanInB: number;
  infInA: number;
  infInB: number;
  /** Pairs with a NaN or an infinity on at least one side whose bits are not equal. */
  nonFiniteMismatches: number;
  /** The largest differences, largest first, equal ones by index. */
  divergences: Divergence[];
}

export type CosineUndefined = 'norm of A is 0' | 'norm of B is 0' | 'both norms are 0' | 'non-finite values differ';

/** Both sides at once. @param limit how many divergences to keep. */
export function compareTensors(a: Float32Array, b: Float32Array, limit = 10): TensorComparison {
  const comparer = new TensorComparer(limit);
  comparer.add(a, b);
  return comparer.finish();
}

/**
 * The same for tensors that come in chunks, in constant memory. Every sum runs in float64.
 * A pair of equal bits is equal, whatever it holds; any other pair with a NaN or an infinity counts as an infinite
 * difference, so it is always the maximum. Sums of products take finite pairs only.
 */
export class TensorComparer {
  readonly #largest: LargestDivergences;
  #elementCount = 0;
  #differingCount = 0;
  #maxAbsDiff = 0;
  #maxAbsDiffIndex: number | null = null;
  #sumSquaredDiff = 0;
  #sumAA = 0;
  #sumBB = 0;
  #sumAB = 0;
  #nanInA = 0;
  #nanInB = 0;
  #infInA = 0;
  #infInB = 0;
  #nonFiniteMismatches = 0;

  constructor(limit: number) {
    this.#largest = new LargestDivergences(limit);
  }

  add(a: Float32Array, b: Float32Array): void {
    if (a.length !== b.length) throw new RangeError(`chunks of ${a.length} and ${b.length} elements`);
    const bitsOfA = new Uint32Array(a.buffer, a.byteOffset, a.length);
    const bitsOfB = new Uint32Array(b.buffer, b.byteOffset, b.length);
    // Locals, because a private field costs a load and a store per element.
    let sumAA = this.#sumAA;
    let sumBB = this.#sumBB;
    let sumAB = this.#sumAB;
    for (let i = 0; i < a.length; i += 1) {
      // In range by the loop's bound; the fallback value is never taken.
      const x = a[i] ?? 0;
      const y = b[i] ?? 0;
      const areFinite = Number.isFinite(x) && Number.isFinite(y);
      if (areFinite) {
        sumAA += x * x;
        sumBB += y * y;
        sumAB += x * y;
      } else {
        this.#countNonFinite(x, y);
      }
      const bitsA = bitsOfA[i] ?? 0;
      const bitsB = bitsOfB[i] ?? 0;
      if (bitsA === bitsB) continue;
      const absDiff = areFinite ? Math.abs(x - y) : Infinity;
      this.#count(this.#elementCount + i, absDiff);
      if (this.#largest.wants(absDiff)) {
        this.#largest.add({ index: this.#elementCount + i, a: x, b: y, absDiff, bitsA, bitsB });
      }
    }
    this.#sumAA = sumAA;
    this.#sumBB = sumBB;
    this.#sumAB = sumAB;
    this.#elementCount += a.length;
  }

  /** As `add(both, both)`, for a caller who knows already that the bits are the same. */
  addEqual(both: Float32Array): void {
    let sum = 0;
    for (let i = 0; i < both.length; i += 1) {
      const x = both[i] ?? 0;
      if (Number.isFinite(x)) sum += x * x;
      else this.#countNonFinite(x, x);
    }
    this.#sumAA += sum;
    this.#sumBB += sum;
    this.#sumAB += sum;
    this.#elementCount += both.length;
  }

  #countNonFinite(x: number, y: number): void {
    if (Number.isNaN(x)) this.#nanInA += 1;
    else if (!Number.isFinite(x)) this.#infInA += 1;
    if (Number.isNaN(y)) this.#nanInB += 1;
    else if (!Number.isFinite(y)) this.#infInB += 1;
  }

  #count(index: number, absDiff: number): void {
    this.#differingCount += 1;
    if (absDiff === Infinity) this.#nonFiniteMismatches += 1;
    else this.#sumSquaredDiff += absDiff * absDiff;
    if (this.#maxAbsDiffIndex === null || absDiff > this.#maxAbsDiff) {
      this.#maxAbsDiff = absDiff;
      this.#maxAbsDiffIndex = index;
    }
  }

  finish(): TensorComparison {
    const hasMismatch = this.#nonFiniteMismatches > 0;
    const cosineUndefined = this.#whyNoCosine();
    return {
      elementCount: this.#elementCount,
      differingCount: this.#differingCount,
      bitIdentical: this.#elementCount > 0 && this.#differingCount === 0,
      maxAbsDiff: this.#maxAbsDiff,
      maxAbsDiffIndex: this.#maxAbsDiffIndex,
      rmsDiff: hasMismatch ? Infinity : Math.sqrt(this.#sumSquaredDiff / Math.max(1, this.#elementCount)),
      cosine: cosineUndefined === null ? this.#cosine() : null,
      cosineUndefined,
      nmse: hasMismatch ? Infinity : this.#nmse(),
      nanInA: this.#nanInA,
      nanInB: this.#nanInB,
      infInA: this.#infInA,
      infInB: this.#infInB,
      nonFiniteMismatches: this.#nonFiniteMismatches,
      divergences: this.#largest.sorted(),
    };
  }

  #whyNoCosine(): CosineUndefined | null {
    if (this.#nonFiniteMismatches > 0) return 'non-finite values differ';
    if (this.#sumAA === 0 && this.#sumBB === 0) return 'both norms are 0';
    if (this.#sumAA === 0) return 'norm of A is 0';
    return this.#sumBB === 0 ? 'norm of B is 0' : null;
  }

  #cosine(): number {
    // sqrt(x·x) is exactly x in binary floating point, so a tensor and itself give exactly 1. The product of two sums
    // of float32 squares neither overflows nor vanishes in float64.
    const cosine = this.#sumAB / Math.sqrt(this.#sumAA * this.#sumBB);
    return Math.min(1, Math.max(-1, cosine));
  }

  #nmse(): number | null {
    if (this.#sumSquaredDiff === 0) return 0;
    return this.#sumAA === 0 ? null : this.#sumSquaredDiff / this.#sumAA;
  }
}

/** A divergence with its bits as numbers: a NaN's payload would not survive a trip through a JavaScript number. */
interface Candidate {
  index: number;
  a: number;
  b: number;
  absDiff: number;
  bitsA: number;
  bitsB: number;
}

/** Keeps the `limit` largest differences of a stream; equal ones by lower index. */
class LargestDivergences {
  readonly #limit: number;
  readonly #kept: Candidate[] = [];
  /** Once `limit` are kept: the smallest of them at the last cut. Later equals have a higher index and lose. */
  #floor = -1;

  constructor(limit: number) {
    this.#limit = limit;
  }

  wants(absDiff: number): boolean {
    return absDiff > this.#floor && this.#limit > 0;
  }

  add(candidate: Candidate): void {
    this.#kept.push(candidate);
    // Sorting only when the list has doubled costs O(log limit) per element offered.
    if (this.#kept.length >= 2 * this.#limit + 64) this.#cut();
  }

  #cut(): void {
    // Infinity − Infinity is NaN, so equal ones are told apart first.
    this.#kept.sort((p, q) => (p.absDiff === q.absDiff ? p.index - q.index : q.absDiff - p.absDiff));
    if (this.#kept.length < this.#limit) return;
    this.#kept.length = this.#limit;
    this.#floor = this.#kept.at(-1)?.absDiff ?? -1;
  }

  sorted(): Divergence[] {
    this.#cut();
    return this.#kept.map((kept) => ({ ...kept, bitsA: bitsText(kept.bitsA), bitsB: bitsText(kept.bitsB) }));
  }
}

function bitsText(bits: number): string {
  return `0x${bits.toString(16).padStart(8, '0')}`;
}
