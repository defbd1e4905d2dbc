// One position with draws that are made up: what is explained, what is not, what is not compared.
import { describe, expect, it } from 'vitest';
import { compareAlternatives, compareFull, type Alternative } from '../../../src/diagnosis/parity/compare.ts';
import { parityVerdict } from '../../../src/diagnosis/parity/parity-verdict.ts';
import type { SpreadRow } from '../../../src/diagnosis/parity/spread.ts';

const EXACT = [4, 3.9, 0, -1];
/** Draws that move the first two logits apart by `reach` in all, on our side and on theirs. */
const row = (reach: number): SpreadRow => {
  const draws = [reach / 2, -reach / 2].map((by) => Float64Array.from(EXACT.with(0, 4 + by)));
  return { position: 3, exact: Float64Array.from(EXACT), ours: draws, theirs: draws };
};
const named = (logits: readonly number[], ...ids: number[]): Alternative[] => {
  const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return ids.map((id) => ({ id, text: String(id), logProbability: (logits[id] ?? 0) - logSum }));
};

describe('a position', () => {
  it('is the same where the two are as far apart as a draw, suspect and different beyond', () => {
    const by = (shift: number): string => compareFull(row(0.02), 7, EXACT, EXACT.with(0, 4 + shift)).status;
    // Together the sides reach 0.02; four times that is explained.
    expect([by(0), by(0.02), by(0.07)]).toEqual(['same', 'same', 'same']);
    expect([by(0.1), by(0.15)]).toEqual(['suspect', 'suspect']);
    expect([by(0.2), by(-3)]).toEqual(['different', 'different']);
  });

  it('may choose another token across a margin within the spread, and not across a larger one', () => {
    const other = EXACT.with(1, 4.05);
    expect(compareFull(row(0.1), 7, EXACT, other)).toMatchObject({
      status: 'same',
      isSameTop: false,
      ours: 0,
      theirs: 1,
      flip: { margin: expect.closeTo(0.1), spread: expect.closeTo(0.4), exact: 0, counts: false },
    });
    const counted = compareFull(row(0.02), 7, EXACT, other);
    expect(counted).toMatchObject({ status: 'different', flip: { spread: expect.closeTo(0.08), counts: true } });
  });

  it('with a NaN of either side is different', () => {
    expect(compareFull(row(0.1), 7, EXACT.with(2, Number.NaN), EXACT).status).toBe('different');
    expect(compareFull(row(0.1), 7, EXACT, EXACT.with(2, Number.NaN)).status).toBe('different');
  });

  it('with draws that reach nowhere is the same only where nothing differs', () => {
    expect(compareFull(row(0), 7, EXACT, EXACT).status).toBe('same');
    expect(compareFull(row(0), 7, EXACT, EXACT.with(3, -1.001)).status).toBe('different');
  });
});

describe('each side against the exact run', () => {
  const far = (ours: readonly number[], theirs: readonly number[]): [boolean, boolean] => {
    const { fromExact } = compareFull(row(0.02), 7, ours, theirs);
    return [fromExact.ours.isFar, fromExact.theirs.isFar];
  };

  it('tells which of the two is off, or both, by what its own draws reach', () => {
    const off = EXACT.with(0, 4.2);
    expect([far(EXACT, EXACT), far(off, EXACT), far(EXACT, off), far(off, off)]).toEqual([
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]);
    expect(far(EXACT, EXACT.with(1, Number.NaN))).toEqual([false, true]);
  });

  it('tells it by the named tokens too', () => {
    const { fromExact } = compareAlternatives(row(0.02), 7, EXACT, named(EXACT.with(0, 4.5), 0, 1));
    expect([fromExact.ours.isFar, fromExact.theirs.isFar]).toEqual([false, true]);
  });

  it('is in the verdict: who is far, and who is not', () => {
    const names = { ours: 'a', theirs: 'b', hasSameWeights: true };
    const of = (theirs: readonly number[]): ReturnType<typeof parityVerdict> =>
      parityVerdict([compareFull(row(0.02), 7, EXACT, theirs)], names);
    expect(of(EXACT)).toMatchObject({ verdict: 'PASS', far: null });
    const accused = of(EXACT.with(0, 4.5));
    expect(accused).toMatchObject({ verdict: 'DIFFERENT', far: 'theirs', counts: { oursFar: 0, theirsFar: 1 } });
    expect(accused.sentence).toMatch(
      /Of the two, b is far from this program in float64 at 1 of 1 .*; a is as near as its profile says\.$/,
    );
  });

  it('keeps two that agree, both far off, from passing', () => {
    const off = EXACT.with(0, 4.5);
    const names = { ours: 'a', theirs: 'b', hasSameWeights: true };
    expect(parityVerdict([compareFull(row(0.02), 7, off, off)], names)).toMatchObject({
      verdict: 'INCONCLUSIVE',
      far: 'both',
    });
  });
});

describe('a position of which the likeliest tokens are named', () => {
  it('is judged by the worst of them', () => {
    expect(compareAlternatives(row(0.02), 7, EXACT, named(EXACT, 0, 1, 2))).toMatchObject({
      status: 'same',
      metric: 'logProbability',
      distance: expect.closeTo(0),
      compared: { matched: 3, given: 3 },
    });
    const wrong = named(EXACT, 0, 1, 2).with(2, { id: 2, text: '2', logProbability: -1 });
    expect(compareAlternatives(row(0.02), 7, EXACT, wrong).status).toBe('different');
  });

  it('leaves out texts that are no token, and is not compared where all are such', () => {
    const nobody = { id: null, text: '�', logProbability: -0.1 };
    const some = compareAlternatives(row(0.02), 7, EXACT, [nobody, ...named(EXACT, 1)]);
    expect(some).toMatchObject({ status: 'same', theirs: null, compared: { matched: 1, given: 2 } });
    const none = compareAlternatives(row(0.02), 7, EXACT, [nobody]);
    expect(none.status).toBe('not-compared');
    expect(parityVerdict([none], NAMES)).toMatchObject({ verdict: 'INCONCLUSIVE', counts: { compared: 0 } });
    expect(parityVerdict([some, none], NAMES).verdict).toBe('INCONCLUSIVE');
  });
});

const NAMES = { ours: 'cpu', theirs: 'other', hasSameWeights: true };

describe('the verdict', () => {
  const same = compareFull(row(0.02), 7, EXACT, EXACT);
  const suspect = compareFull(row(0.02), 7, EXACT, EXACT.with(0, 4.1));
  const different = compareFull(row(0.02), 9, EXACT, EXACT.with(0, 1));

  it('names the first different position, and is no rejection where the weights may be others', () => {
    const found = parityVerdict([same, different, different], NAMES);
    expect(found.sentence).toMatch(
      /^DIFFERENT: cpu and other part at 2 of 3 positions, first at position 3 \(token 9\)/,
    );
    expect(parityVerdict([different], { ...NAMES, hasSameWeights: false }).verdict).toBe('INCONCLUSIVE');
  });

  it('is PASS of agreement alone: not of a suspect position, not of nothing', () => {
    expect(parityVerdict([same], NAMES)).toMatchObject({ verdict: 'PASS', at: null, counts: { same: 1, sameTop: 1 } });
    expect(parityVerdict([same], { ...NAMES, hasSameWeights: false }).verdict).toBe('PASS');
    expect(parityVerdict([same, suspect], NAMES).verdict).toBe('INCONCLUSIVE');
    expect(parityVerdict([], NAMES).verdict).toBe('INCONCLUSIVE');
  });

  it('of equal logits is no agreement, unless others say something', () => {
    const flat = [2, 2, 2, 2];
    const draws = [Float64Array.from(flat)];
    const nothing = { position: 4, exact: Float64Array.from(flat), ours: draws, theirs: draws };
    const equal = compareFull(nothing, 7, flat, flat);
    expect(equal).toMatchObject({ isFlat: true, status: 'same' });
    expect(parityVerdict([equal], NAMES).verdict).toBe('INCONCLUSIVE');
    expect(parityVerdict([equal, compareFull(row(0.02), 7, EXACT, EXACT)], NAMES).verdict).toBe('PASS');
  });

  it('is not PASS where most positions are beyond every draw, though each is explained', () => {
    const beyond = compareFull(row(0.02), 7, EXACT, EXACT.with(0, 4.05));
    expect(beyond).toMatchObject({ status: 'same', isBeyondDraws: true });
    expect(parityVerdict([beyond, beyond, same, same], NAMES).verdict).toBe('PASS');
    const crowd = parityVerdict([beyond, beyond, beyond, same], NAMES);
    expect(crowd).toMatchObject({ verdict: 'INCONCLUSIVE', counts: { beyondDraws: 3, same: 4 } });
  });
});
