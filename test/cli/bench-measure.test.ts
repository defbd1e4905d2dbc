// Rounds, turns and the figures that are made of them, with engines that say how long they took.
import { describe, expect, it } from 'vitest';
import { benchTokens, measure, weightBytesOf, type TimedEngine } from '../../src/cli/apr/bench/measure.ts';

interface Call {
  name: string;
  tokens: readonly number[];
  decoded: readonly number[];
}

/** The n-th timing takes `prefillMs[n]`, and each of its tokens n + 1 milliseconds. */
function fake(name: string, prefillMs: readonly number[], calls: Call[]): TimedEngine {
  let count = 0;
  return {
    name,
    async time(tokens, decoded) {
      calls.push({ name, tokens, decoded });
      const n = count++;
      return { prefillMs: prefillMs[n] ?? Number.NaN, decodeMs: decoded.map(() => n + 1) };
    },
  };
}

describe('measure', () => {
  const calls: Call[] = [];
  const rounds = { promptCount: 10, decodeCount: 5, roundCount: 4, onRound: () => undefined };
  const engines = [fake('a', [1, 50, 20, 40, 30], calls), fake('b', [1, 100, 100, 100, 100], calls)];
  const speeds = measure(engines, { vocabSize: 7 }, rounds);

  it('takes the fastest run and the middle one, without the round that warms up', async () => {
    const [a, b] = await speeds;
    // 20 ms, and (30 + 40) / 2.
    expect(a?.prefill).toEqual({ best: 500, median: 10_000 / 35 });
    // Tokens of 2, 3, 4 and 5 ms, five times each.
    expect(a?.decode).toEqual({ best: 500, median: 1000 / 3.5 });
    expect(b?.prefill).toEqual({ best: 100, median: 100 });
  });

  it('gives every engine the same tokens, in turns', async () => {
    await speeds;
    expect(calls.map(({ name }) => name).join('')).toBe('ab'.repeat(5));
    const wanted = benchTokens({ vocabSize: 7 }, 15);
    for (const { tokens, decoded } of calls.slice(2)) expect([...tokens, ...decoded]).toEqual(wanted);
    expect(calls[0]?.decoded.length).toBeLessThan(5);
    expect(Math.max(...wanted)).toBeLessThan(7);
    expect(new Set(wanted).size).toBe(7);
  });
});

it('counts of experts those that a token uses, and of the embedding nothing', () => {
  const bytes = { embedding: 1000, q: 300, experts: 800 };
  const ops = [
    { op: 'embed', weight: 'embedding', out: 'x' },
    { op: 'matmul', in: 'x', weight: 'q', out: 'y' },
    { op: 'expertMatmul', in: 'y', experts: 'ids', weight: 'experts', expertCount: 8, out: 'z' },
  ] as const;
  const infoOf = (name: string) => ({ byteLength: bytes[name as keyof typeof bytes] });
  expect(weightBytesOf({ ops: [...ops] }, infoOf, () => 2)).toBe(300 + 200);
});
