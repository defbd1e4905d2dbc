// How a check runs its tokens, on sessions that are made of two lines: every position, single steps, a truncation; and
// sessions that get positions wrong or compute something else while they are watched.
import { describe, expect, it } from 'vitest';
import { compareRuns, runSegments, segmentsOf } from '../../../src/diagnosis/check/run-plan.ts';
import type { RunRequest, Session } from '../../../src/engine/index.ts';

const TOKENS = [5, 1, 4, 2, 9, 3, 8];

/** Its logits are the token and how many positions came before it. */
function session(
  truncate: (now: number, to: number) => number,
  spoil: (isWatched: boolean) => number = () => 0,
): Session {
  let count = 0;
  return {
    get positionCount() {
      return count;
    },
    async run({ tokens, tap }: RunRequest) {
      const firstPosition = count;
      const logits = Float32Array.from(tokens.flatMap((token, i) => [token, count + i + spoil(tap !== undefined)]));
      count += tokens.length;
      return { firstPosition, logits };
    },
    truncate(to) {
      count = truncate(count, to);
    },
    close: () => undefined,
  };
}

const tap = { values: new Set<string>(), onValue: () => undefined };
const honest = (_: number, to: number): number => to;

describe('the runs of a check', () => {
  it('take every position, some in single steps, one again after a truncation', () => {
    const segments = segmentsOf(40);
    expect(segments.map(({ from, to }) => [from, to])).toEqual([
      [0, 2],
      [2, 3],
      [3, 4],
      [3, 39],
      [39, 40],
    ]);
    expect(segments.filter(({ isAfterTruncation }) => isAfterTruncation)).toHaveLength(1);
    expect(segmentsOf(3)).toEqual([{ from: 0, to: 3, isAfterTruncation: false }]);
  });

  it('find nothing in an honest session', async () => {
    const watched = await runSegments(session(honest), TOKENS, tap);
    const unwatched = await runSegments(session(honest), TOKENS, null);
    expect([watched.fault, unwatched.fault, compareRuns(watched.logits, unwatched.logits)]).toEqual([null, null, null]);
    expect(watched.logits.map(({ length }) => length / 2)).toEqual([2, 1, 1, 3, 1]);
  });

  it.each([
    ['is ignored', (now: number): number => now],
    ['loses one more', (_: number, to: number): number => to - 1],
  ])('find a truncation that %s', async (_, truncate) => {
    const { fault } = await runSegments(session(truncate), TOKENS, tap);
    expect(fault?.bugClass).toBe('KV_CACHE_FAILURE');
  });

  it('find a run that computes something else while it is watched', async () => {
    const peeking = (isWatched: boolean): number => (isWatched ? 1e-6 : 0);
    const watched = await runSegments(session(honest, peeking), TOKENS, tap);
    const unwatched = await runSegments(session(honest, peeking), TOKENS, null);
    expect(compareRuns(watched.logits, unwatched.logits)?.bugClass).toBe('PATH_DIVERGENCE');
  });

  it('find a run that is missing', () => {
    expect(compareRuns([Float32Array.of(1)], [])?.bugClass).toBe('PATH_DIVERGENCE');
  });
});
