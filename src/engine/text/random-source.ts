// The generator behind every sampled token: PCG32 (XSH-RR, 64-bit state), so that a seed gives the same text on every
// machine and a reader can re-implement it. Not for secrets.

const MULTIPLIER = 6364136223846793005n;
const STREAM = 54n;

/** M. O'Neill's pcg32 with `seed` as its initial state and stream 54. */
export class RandomSource {
  static readonly #INCREMENT: bigint = (STREAM << 1n) | 1n;
  #state: bigint;

  /** @param seed an integer from 0 below 2^53 */
  constructor(seed: number) {
    this.#state = 0n;
    this.nextUint32();
    this.#state = BigInt.asUintN(64, this.#state + BigInt(seed));
    this.nextUint32();
  }

  nextUint32(): number {
    const old = this.#state;
    this.#state = BigInt.asUintN(64, old * MULTIPLIER + RandomSource.#INCREMENT);
    const shifted = BigInt.asUintN(32, ((old >> 18n) ^ old) >> 27n);
    const rotation = old >> 59n;
    return Number(BigInt.asUintN(32, (shifted >> rotation) | (shifted << (-rotation & 31n))));
  }

  /** Uniform in [0, 1) with 53 bits, from two draws. */
  nextUnit(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}
