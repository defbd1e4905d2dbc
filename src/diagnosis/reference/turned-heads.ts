// Heads turned by a Hadamard matrix, as llama.cpp does where a cache is quantised (its pull request 21038), so that no
// channel sticks out of its block: H[i][j] = ±1/√n with the signs of Sylvester's construction; H is symmetric and its
// own inverse. Keys and queries are turned by the largest such block that fills a head, values in blocks of 64.

const BLOCK = 64;

/** Channels of a block; null: heads of that size are not turned. */
export function turnedBlocks(headDim: number): { keys: number; values: number } | null {
  if (headDim % BLOCK !== 0) return null;
  let keys = BLOCK;
  while (headDim % (2 * keys) === 0) keys *= 2;
  return { keys, values: BLOCK };
}

/** H·x of every block. */
export function turned(x: Float64Array, block: number): Float64Array {
  const out = x.map((value) => value / Math.sqrt(block));
  for (let first = 0; first < out.length; first += block) {
    for (let half = 1; half < block; half *= 2) {
      for (let i = first; i < first + block; i += 1) {
        if (((i - first) & half) !== 0) continue;
        const [a, b] = [out[i] ?? 0, out[i + half] ?? 0];
        out[i] = a + b;
        out[i + half] = a - b;
      }
    }
  }
  return out;
}

/** Σ|H|·off of every block: how far off it is where each x is off by so much; and of |x|, the magnitudes of its sums. */
export function turnedSizes(off: Float64Array, block: number): Float64Array {
  const out = new Float64Array(off.length);
  for (let first = 0; first < out.length; first += block) {
    let sum = 0;
    for (let i = first; i < first + block; i += 1) sum += Math.abs(off[i] ?? 0);
    out.fill(sum / Math.sqrt(block), first, first + block);
  }
  return out;
}
