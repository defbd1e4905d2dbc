// Timing on a machine that others use too: the fastest of several runs is the one that was least disturbed.

/** Seconds of the fastest of `runs` runs, after one that warms up. */
export function bestOf(runs: number, work: () => unknown): number {
  work();
  let best = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    work();
    best = Math.min(best, performance.now() - start);
  }
  return best / 1000;
}
