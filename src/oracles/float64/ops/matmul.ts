// out[p, r] = Σ_c W[r, c] · x[p, c]; W is [out channels, in channels], exact, a block of rows at a time.
import type { WeightSource } from '../../../engine/program/executor.ts';
import type { WeightName } from '../../../engine/program/program.ts';
import { decodedRows, layoutOf } from '../weights.ts';
import { dot } from './dot.ts';

/**
 * @param x [positionCount, columns of the weight]
 * @returns [positionCount, rows of the weight]
 */
export async function matmul(
  x: Float64Array,
  positionCount: number,
  weights: WeightSource,
  name: WeightName,
): Promise<Float64Array> {
  const columnCount = x.length / positionCount;
  const { rowCount } = layoutOf(weights, name, columnCount);
  const out = new Float64Array(positionCount * rowCount);
  for await (const block of decodedRows(weights, name, columnCount)) {
    for (let p = 0; p < positionCount; p += 1) {
      for (let r = 0; r < block.rowCount; r += 1) {
        const product = dot(block.values, r * columnCount, x, p * columnCount, columnCount);
        out[p * rowCount + block.firstRow + r] = product;
      }
    }
  }
  return out;
}
