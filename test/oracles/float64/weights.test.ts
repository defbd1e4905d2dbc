// Rows that come in pieces: read in larger pieces than they are decoded in, into arrays that are used again.
import { describe, expect, it } from 'vitest';
import { decodedRows } from '../../../src/oracles/float64/weights.ts';
import { memoryWeights } from './memory-weights.ts';

describe('decodedRows', () => {
  it.each([
    ['less than a piece', 3, 40],
    ['several pieces of one reading', 200, 1000],
    ['several readings, the last of them short', 1301, 1000],
    ['rows that are a piece each', 3, 40_000],
    ['rows that are longer than a reading', 3, 1_100_000],
  ])('gives every row once, in order: %s', async (_, rowCount, columnCount) => {
    const data = Float32Array.from({ length: rowCount * columnCount }, (__, i) => i % 65_521);
    const weights = memoryWeights({ w: { shape: [rowCount, columnCount], data } });
    let next = 0;
    let pieces = 0;
    for await (const { firstRow, rowCount: count, values } of decodedRows(weights, 'w', columnCount)) {
      expect(firstRow).toBe(next);
      expect(values).toHaveLength(count * columnCount);
      expect(values.every((value, i) => value === data[firstRow * columnCount + i])).toBe(true);
      next += count;
      pieces += 1;
    }
    expect(next).toBe(rowCount);
    expect(pieces > 1).toBe(rowCount * columnCount > 2 ** 15);
  });
});
