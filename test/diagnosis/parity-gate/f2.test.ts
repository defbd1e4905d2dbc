// The F2 rule on rows whose cosine is known.
import { describe, expect, it } from 'vitest';
import { f2Positions, type GatePosition } from '../../../src/diagnosis/parity-gate/f2.ts';

/** Position 1 of two, whose logits are given. */
function second(gpu: readonly number[], cpu: readonly number[]): GatePosition | undefined {
  const first = cpu.map((_, i) => (i === 0 ? 9 : 0));
  return f2Positions(Float64Array.of(...first, ...gpu), Float64Array.of(...first, ...cpu), cpu.length)[1];
}

describe('F2', () => {
  it('rejects below a cosine of 0.95, where the choice is the same', () => {
    const at = (cosine: number): GatePosition | undefined => second([cosine, Math.sqrt(1 - cosine ** 2)], [1, 0]);
    expect([at(0.9501), at(0.9499)]).toMatchObject([
      { cosine: expect.closeTo(0.9501, 12), isSameTop: true, isRejected: false },
      { cosine: expect.closeTo(0.9499, 12), isSameTop: true, isRejected: true },
    ]);
  });

  it('rejects another choice below 0.98, and takes it for a near-tie above', () => {
    // Two tokens that are nearly as likely change places; a third channel turns the rows apart.
    const at = (cosine: number): GatePosition | undefined =>
      second([1, 1.01, Math.sqrt((2.02 / cosine) ** 2 / 2.0201 - 2.0201)], [1.01, 1, 0]);
    expect([at(0.9801), at(0.9799)]).toMatchObject([
      { cosine: expect.closeTo(0.9801, 9), isSameTop: false, isRejected: false },
      { cosine: expect.closeTo(0.9799, 9), isSameTop: false, isRejected: true },
    ]);
  });

  it('reports position 0 and never rejects it', () => {
    expect(f2Positions(Float64Array.of(-1, 0), Float64Array.of(1, 0), 2)).toEqual([
      { position: 0, cosine: -1, isSameTop: false, isRejected: false },
    ]);
  });

  it.each([Number.NaN, Infinity])('rejects logits with %d', (bad) => {
    expect(second([bad, 0], [1, 0])).toMatchObject({ cosine: Number.NaN, isRejected: true });
  });

  it('rejects a row of zeros', () => {
    expect(second([0, 0], [1, 0])?.isRejected).toBe(true);
  });
});
