// Matrix products over several sets of rows at once, in double over the exact weights: a weight is read and decoded
// once, however many runs (captured inputs, free runs) multiply it. With Σ|w·x| beside the product where a budget is
// wanted. The formula is the oracle's (oracles/float64/ops/matmul.ts) and a test holds the two together; this one is
// blocked.
import type { Op, WeightName } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { decodedRows, readRows } from '../../oracles/float64/weights.ts';

export interface RowSet {
  /** [rowCount, columnCount] */
  x: Float64Array;
  /** Wanted beside the product: Σ|w|·|x|. */
  wantsMagnitude?: boolean;
  /** Σ|w|·step is wanted too: what a tie of a quantised activation may move. */
  steps?: Float64Array | null;
}

export interface Products {
  /** [rowCount, weight rows] */
  y: Float64Array;
  magnitude: Float64Array | null;
  stepMagnitude: Float64Array | null;
}

export async function multiplyRows(
  weights: WeightSource,
  name: WeightName,
  columnCount: number,
  outCount: number,
  sets: readonly RowSet[],
): Promise<Products[]> {
  const plans = sets.map((set) => {
    const length = (set.x.length / columnCount) * outCount;
    return {
      ...set,
      absX: set.wantsMagnitude === true ? set.x.map(Math.abs) : null,
      y: new Float64Array(length),
      magnitude: set.wantsMagnitude === true ? new Float64Array(length) : null,
      steps: set.steps ?? null,
      stepMagnitude: (set.steps ?? null) === null ? null : new Float64Array(length),
    };
  });
  for await (const block of decodedRows(weights, name, columnCount)) {
    const at = { firstRow: block.firstRow, rowCount: block.rowCount, columnCount, outCount };
    const isAbsWanted = plans.some(({ magnitude, stepMagnitude }) => magnitude !== null || stepMagnitude !== null);
    const absValues = isAbsWanted ? magnitudes(block.values) : block.values;
    for (const plan of plans) {
      multiplyBlock(block.values, plan.x, plan.y, at);
      if (plan.magnitude !== null && plan.absX !== null) multiplyBlock(absValues, plan.absX, plan.magnitude, at);
      if (plan.stepMagnitude !== null && plan.steps !== null) {
        multiplyBlock(absValues, plan.steps, plan.stepMagnitude, at);
      }
    }
  }
  return plans.map(({ y, magnitude, stepMagnitude }) => ({ y, magnitude, stepMagnitude }));
}

export interface ExpertInput {
  /** [positions or slots, columns] */
  x: Float64Array;
  /** Of a tie of an 8-bit input, as `RowSet.steps`. */
  steps: Float64Array | null;
  /** The expert of every slot, position by position. */
  experts: Float64Array;
}

/**
 * Of products with an expert's own rows: terms of one sum, Σ|w|·|x| and Σ|w|·step. @param outCount elements of the
 * result
 */
export async function expertSums(
  { weight }: Extract<Op, { op: 'expertMatmul' }>,
  { x, steps, experts }: ExpertInput,
  outCount: number,
  rowCount: number,
  weights: WeightSource,
): Promise<{ length: number; magnitude: Float64Array; stepMagnitude: Float64Array | null }> {
  const columns = weights.info(weight)?.shape.at(-1) ?? 0;
  const height = outCount / experts.length;
  const slotCount = experts.length / rowCount;
  const magnitude = new Float64Array(outCount);
  const stepMagnitude = steps === null ? null : new Float64Array(outCount);
  const read = new Map<number, Float64Array>();
  for (const [slot, expert] of experts.entries()) {
    const matrix = read.get(expert) ?? (await readRows(weights, weight, columns, expert * height, height));
    read.set(expert, matrix);
    const at = (x.length === rowCount * columns ? Math.floor(slot / slotCount) : slot) * columns;
    for (let r = 0; r < height; r += 1) {
      magnitude[slot * height + r] = magnitudeOf(matrix, r * columns, x, at, columns);
      if (steps === null || stepMagnitude === null) continue;
      stepMagnitude[slot * height + r] = magnitudeOf(matrix, r * columns, steps, at, columns);
    }
  }
  return { length: columns, magnitude, stepMagnitude };
}

function magnitudeOf(w: Float64Array, wAt: number, x: Float64Array, xAt: number, count: number): number {
  let sum = 0;
  for (let c = 0; c < count; c += 1) sum += Math.abs((w[wAt + c] ?? 0) * (x[xAt + c] ?? 0));
  return sum;
}

/** A loop: `map` would make a call for every weight of the model. */
function magnitudes(values: Float64Array): Float64Array {
  const out = new Float64Array(values.length);
  for (let i = 0; i < out.length; i += 1) out[i] = Math.abs(values[i] ?? 0);
  return out;
}

interface BlockPlace {
  firstRow: number;
  rowCount: number;
  columnCount: number;
  outCount: number;
}

/** Four positions and two weight rows at a time: eight sums stay in registers, every load serves several. */
function multiplyBlock(w: Float64Array, x: Float64Array, y: Float64Array, at: BlockPlace): void {
  const { firstRow, rowCount, columnCount: n, outCount } = at;
  const positionCount = x.length / n;
  let p = 0;
  for (; p + 4 <= positionCount; p += 4) {
    let r = 0;
    for (; r + 2 <= rowCount; r += 2) multiplyTile(w, r * n, x, p * n, n, y, p * outCount + firstRow + r, outCount);
    for (; r < rowCount; r += 1) {
      for (let q = p; q < p + 4; q += 1) y[q * outCount + firstRow + r] = dotRow(w, r * n, x, q * n, n);
    }
  }
  for (; p < positionCount; p += 1) {
    for (let r = 0; r < rowCount; r += 1) y[p * outCount + firstRow + r] = dotRow(w, r * n, x, p * n, n);
  }
}

// In range by the callers' loops; the fallback values are never taken.
function multiplyTile(
  w: Float64Array,
  wAt: number,
  x: Float64Array,
  xAt: number,
  n: number,
  y: Float64Array,
  yAt: number,
  yStride: number,
): void {
  let [a0, a1, a2, a3, b0, b1, b2, b3] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let c = 0; c < n; c += 1) {
    const v = w[wAt + c] ?? 0;
    const u = w[wAt + n + c] ?? 0;
    const x0 = x[xAt + c] ?? 0;
    const x1 = x[xAt + n + c] ?? 0;
    const x2 = x[xAt + 2 * n + c] ?? 0;
    const x3 = x[xAt + 3 * n + c] ?? 0;
    a0 += v * x0;
    a1 += v * x1;
    a2 += v * x2;
    a3 += v * x3;
    b0 += u * x0;
    b1 += u * x1;
    b2 += u * x2;
    b3 += u * x3;
  }
  y[yAt] = a0;
  y[yAt + 1] = b0;
  y[yAt + yStride] = a1;
  y[yAt + yStride + 1] = b1;
  y[yAt + 2 * yStride] = a2;
  y[yAt + 2 * yStride + 1] = b2;
  y[yAt + 3 * yStride] = a3;
  y[yAt + 3 * yStride + 1] = b3;
}

function dotRow(w: Float64Array, wAt: number, x: Float64Array, xAt: number, n: number): number {
  let [even, odd] = [0, 0];
  let c = 0;
  for (; c + 2 <= n; c += 2) {
    even += (w[wAt + c] ?? 0) * (x[xAt + c] ?? 0);
    odd += (w[wAt + c + 1] ?? 0) * (x[xAt + c + 1] ?? 0);
  }
  if (c < n) even += (w[wAt + c] ?? 0) * (x[xAt + c] ?? 0);
  return even + odd;
}
