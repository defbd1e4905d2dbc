// Rotation against the same formula in integers (fixed-point.ts), within the bound that its roundings allow, for every
// scaling; and against cases whose answer can be said by hand.
import { describe, expect, it } from 'vitest';
import type { Op, RopeParameters } from '../../../src/engine/program/program.ts';
import { cos, exp, fixed, log, ONE, over, PI, sin, times, type Fixed } from './fixed-point.ts';
import { evaluate, magnitude, randomDoubles, U, worst } from './one-op.ts';

describe('rope', () => {
  const ropeOp = (rope: RopeParameters, headCount = 2, headDim = 8): Extract<Op, { op: 'rope' }> => ({
    op: 'rope',
    in: 'x',
    out: 'y',
    headCount,
    headDim,
    rope,
  });
  const plain: RopeParameters = { theta: 10_000, rotaryDim: 8, pairing: 'norm', scaling: { type: 'none' } };
  const factors = [1, 2.5, 8, 31];
  const longrope = (originalContextLength: number): RopeParameters => {
    const lists = { short: [1, 1.5, 1.25, 2], long: factors };
    return { ...plain, scaling: { type: 'longrope', ...lists, originalContextLength, attentionFactor: 1.25 } };
  };

  const yarn = { type: 'yarn', factor: 4, betaFast: 32, betaSlow: 1, attentionFactor: 1.25 } as const;

  /** f_i in integers. */
  function frequency(rope: RopeParameters, i: number, contextLength: number): Fixed {
    const { theta, rotaryDim, scaling } = rope;
    const f = exp((log(fixed(theta)) * BigInt(-2 * i)) / BigInt(rotaryDim));
    if (scaling.type === 'none') return f;
    if (scaling.type === 'linear') return over(f, fixed(scaling.factor));
    if (scaling.type === 'factors') return over(f, fixed(factors[i] ?? 0));
    const isBeyond = 'originalContextLength' in scaling && contextLength > scaling.originalContextLength;
    if (scaling.type === 'longrope') return over(f, fixed(Number((isBeyond ? scaling.long : scaling.short)[i])));
    if (scaling.type === 'yarn') return yarnFrequency(rope, i, f);
    if (scaling.type === 'dynamic') {
      const longer = fixed(Math.max(0, contextLength - scaling.originalContextLength));
      const growth = ONE + over(times(fixed(scaling.factor), longer), fixed(scaling.originalContextLength));
      return times(f, exp((log(growth) * BigInt(-2 * i)) / BigInt(rotaryDim - 2)));
    }
    const { factor, lowFreqFactor, highFreqFactor, originalContextLength } = scaling;
    const turns = over(f * BigInt(originalContextLength), 2n * PI);
    if (turns > fixed(highFreqFactor)) return f;
    const stretched = over(f, fixed(factor));
    if (turns < fixed(lowFreqFactor)) return stretched;
    const share = over(turns - fixed(lowFreqFactor), fixed(highFreqFactor) - fixed(lowFreqFactor));
    return times(share, f) + times(ONE - share, stretched);
  }

  function yarnFrequency({ theta, rotaryDim, scaling }: RopeParameters, i: number, f: Fixed): Fixed {
    if (scaling.type !== 'yarn') throw new Error('yarn only');
    const pairOf = (turns: number): Fixed => {
      const perTurn = over(fixed(scaling.originalContextLength), 2n * times(PI, fixed(turns)));
      return over(log(perTurn) * BigInt(rotaryDim), 2n * log(fixed(theta)));
    };
    const floor = (a: Fixed): Fixed => (a >> BigInt(ONE.toString(2).length - 1)) * ONE;
    const whole = (a: Fixed, round: (a: Fixed) => Fixed): Fixed => (scaling.isTruncated ? round(a) : a);
    const held = (a: Fixed, low: Fixed, high: Fixed): Fixed => (a < low ? low : a > high ? high : a);
    const low = held(whole(pairOf(scaling.betaFast), floor), 0n, fixed(rotaryDim - 1));
    const high = held(
      whole(pairOf(scaling.betaSlow), (a) => -floor(-a)),
      0n,
      fixed(rotaryDim - 1),
    );
    const share = held(over(fixed(i) - low, high === low ? fixed(0.001) : high - low), 0n, ONE);
    return times(share, over(f, fixed(scaling.factor))) + times(ONE - share, f);
  }

  it('turns adjacent channels with norm pairing and halves with neox', async () => {
    // One pair, a quarter of a turn at position 1: theta^0 = 1 rad, so the angle is made by position 1 and x alone.
    const x = [1, 0, 0, 1, 1, 0, 0, 1];
    const pair = (pairing: RopeParameters['pairing']): RopeParameters => ({ ...plain, rotaryDim: 2, pairing });
    const norm = await evaluate(ropeOp(pair('norm'), 1, 4), { values: { x }, rows: 2, firstPosition: 0 });
    expect([...norm]).toEqual([1, 0, 0, 1, Math.cos(1), Math.sin(1), 0, 1]);
    const neox = await evaluate(ropeOp({ ...pair('neox'), rotaryDim: 4 }, 1, 4), { values: { x }, rows: 2 });
    // Pair 0 is channels 0 and 2; pair 1, channels 1 and 3, turns by 0.01.
    expect([...neox]).toEqual([1, 0, 0, 1, Math.cos(1), -Math.sin(0.01), Math.sin(1), Math.cos(0.01)]);
  });

  it.each<[string, RopeParameters, number]>([
    ['norm', plain, 0],
    ['norm, far on', plain, 30_000],
    ['neox', { ...plain, pairing: 'neox', theta: 1_000_000 }, 5_000],
    ['a part of the head', { ...plain, rotaryDim: 6, pairing: 'neox' }, 77],
    ['linear', { ...plain, scaling: { type: 'linear', factor: 3 } }, 500],
    ['factors', { ...plain, scaling: { type: 'factors', weight: 'f' } }, 500],
    [
      'llama3',
      {
        ...plain,
        theta: 500_000,
        scaling: { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 512 },
      },
      3_000,
    ],
    [
      'yarn, whole ends of the ramp, one after the other',
      { ...plain, scaling: { ...yarn, isTruncated: true, originalContextLength: 2_048 } },
      4_000,
    ],
    [
      'yarn, ends between pairs',
      {
        ...plain,
        theta: 100,
        scaling: { ...yarn, betaFast: 0.4, betaSlow: 0.03, isTruncated: false, originalContextLength: 4 },
      },
      40,
    ],
    [
      'yarn, a step',
      { ...plain, scaling: { ...yarn, betaFast: 1, isTruncated: false, originalContextLength: 2_048 } },
      40,
    ],
    ['longrope, short', longrope(501), 499],
    ['longrope, long', longrope(500), 499],
    ['dynamic, within', { ...plain, scaling: { type: 'dynamic', factor: 3, originalContextLength: 501 } }, 499],
    ['dynamic, beyond', { ...plain, scaling: { type: 'dynamic', factor: 3, originalContextLength: 100 } }, 499],
  ])('is within the roundings of its angle: %s', async (_, rope, firstPosition) => {
    const [headCount, headDim, rows] = [2, 8, 2];
    const x = randomDoubles(10, rows * headCount * headDim);
    const weights = { f: { shape: [4], data: factors } };
    const contextLength = firstPosition + rows;
    const y = await evaluate(ropeOp(rope), { values: { x }, weights, rows, firstPosition, contextLength });
    const factor = 'attentionFactor' in rope.scaling ? rope.scaling.attentionFactor : 1;
    const exact = Array.from(x, fixed);
    const allowed = Array.from(x, () => 0);
    for (let head = 0; head < rows * headCount; head += 1) {
      const position = BigInt(firstPosition + Math.floor(head / headCount));
      for (let i = 0; i < rope.rotaryDim / 2; i += 1) {
        const u = head * headDim + (rope.pairing === 'norm' ? 2 * i : i);
        const v = u + (rope.pairing === 'norm' ? 1 : rope.rotaryDim / 2);
        const [xu, xv] = [fixed(x[u] ?? 0), fixed(x[v] ?? 0)];
        const angle = position * frequency(rope, i, contextLength);
        exact[u] = times(fixed(factor), times(xu, cos(angle)) - times(xv, sin(angle)));
        exact[v] = times(fixed(factor), times(xu, sin(angle)) + times(xv, cos(angle)));
        // Power: the exponent's rounding times ln theta, and its own; product; scaling. Then cosine, sine, two products,
        // and the attention factor. A ramp, and a theta that grows, add roundings of a size with the factor and the pairs.
        const byRule = ['yarn', 'dynamic'].includes(rope.scaling.type) ? 4 * rope.rotaryDim : 8;
        const turned = magnitude(angle) * (Math.log(rope.theta) + byRule) + 5;
        allowed[u] = allowed[v] = factor * Math.hypot(x[u] ?? 0, x[v] ?? 0) * turned * U;
      }
    }
    expect(worst(y, exact, (i) => allowed[i] ?? 0)).toBeLessThanOrEqual(1);
    expect(worst(y.map(Math.fround), exact, (i) => allowed[i] ?? 0)).toBeGreaterThan(1);
  });
});

describe('rope without the length that its scaling goes by', () => {
  it.each<RopeParameters['scaling']>([
    { type: 'dynamic', factor: 2, originalContextLength: 8 },
    { type: 'longrope', short: [1, 1], long: [2, 2], originalContextLength: 8, attentionFactor: 1 },
  ])('is refused: $type', async (scaling) => {
    const rope: RopeParameters = { theta: 10_000, rotaryDim: 4, pairing: 'neox', scaling };
    const op: Op = { op: 'rope', in: 'x', out: 'y', headCount: 1, headDim: 4, rope };
    await expect(evaluate(op, { values: { x: [1, 2, 3, 4] } })).rejects.toThrow(RangeError);
  });
});
