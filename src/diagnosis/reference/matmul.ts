// Matrix products over several sets of rows at once, in double over the exact weights: a weight is read and decoded
// once, however many runs (captured inputs, free runs) multiply it. With Σ|w·x| beside the product where a budget is
// wanted. The formula is the oracle's (oracles/float64/ops/matmul.ts) and a test holds the two together; this one is
// blocked. Activations of 8 bits are multiplied as integers: there the minimums of weights are terms of their own, and
// meet the sums of blocks that q8_1 keeps.
import type { Op, WeightName } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { readMinimums, type BlockMinimums } from '../../oracles/float64/block-minimums.ts';
import { decodedRows, readRows } from '../../oracles/float64/weights.ts';
import type { BlockSums } from './activations/rounded-activations.ts';

export interface RowSet {
  /** [rowCount, columnCount] */
  x: Float64Array;
  /** Wanted beside the product: the magnitudes of what is summed, see `Products`. */
  wantsMagnitude?: boolean;
  /** Σ|w|·step is wanted too: what x may be off by, as ties of activations of 8 bits are. */
  steps?: Float64Array | null;
  /** Engines multiply x as integers of 8 bits. */
  isInteger?: boolean;
  /** Of x: m·error is added to the product, |m|·slack to what ties may move. */
  sums?: BlockSums | null;
}

export interface Products {
  /** [rowCount, weight rows] */
  y: Float64Array;
  /** Σ|w|·|x|; of integers and minimums m = w − d·q, whose sums cancel: Σ|d·q|·|x| + Σ|m|·|Σx|. */
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
  const products = sets.map((set) => new SetProducts(set, (set.x.length / columnCount) * outCount));
  const needsMinimums = sets.some(({ isInteger, wantsMagnitude, sums }) => sums || (isInteger && wantsMagnitude));
  for await (const { firstRow, rowCount, values } of decodedRows(weights, name, columnCount)) {
    const minimums = needsMinimums ? await readMinimums(weights, name, columnCount, firstRow, rowCount) : null;
    const rows = new DecodedWeights(values, minimums);
    for (const product of products) product.add(rows, { firstRow, rowCount, columnCount, outCount });
  }
  return products;
}

/** Rows are of positions, or of slots. */
export interface ExpertInput extends Omit<RowSet, 'wantsMagnitude'> {
  /** The expert of every slot, position by position. */
  experts: Float64Array;
}

/**
 * Products with an expert's own rows, [slots, rows of an expert], and what is wanted beside them; `length`: terms of
 * one sum. @param outCount elements of the result
 */
export async function expertSums(
  { weight }: Extract<Op, { op: 'expertMatmul' }>,
  { experts, ...set }: ExpertInput,
  outCount: number,
  positionCount: number,
  weights: WeightSource,
): Promise<Products & { length: number; magnitude: Float64Array }> {
  const columnCount = weights.info(weight)?.shape.at(-1) ?? 0;
  const rowCount = outCount / experts.length;
  const slotCount = experts.length / positionCount;
  const whole = { y: new Float64Array(outCount), magnitude: new Float64Array(outCount) };
  const stepMagnitude = set.steps ? new Float64Array(outCount) : null;
  const read = new Map<number, DecodedWeights>();
  for (const [slot, expert] of experts.entries()) {
    const firstRow = expert * rowCount;
    const rows =
      read.get(expert) ??
      new DecodedWeights(
        await readRows(weights, weight, columnCount, firstRow, rowCount),
        set.isInteger === true ? await readMinimums(weights, weight, columnCount, firstRow, rowCount) : null,
      );
    read.set(expert, rows);
    const row = set.x.length === positionCount * columnCount ? Math.floor(slot / slotCount) : slot;
    const product = new SetProducts(rowOf(set, row, columnCount), rowCount);
    product.add(rows, { firstRow: 0, rowCount, columnCount, outCount: rowCount });
    whole.y.set(product.y, slot * rowCount);
    whole.magnitude.set(product.magnitude ?? [], slot * rowCount);
    stepMagnitude?.set(product.stepMagnitude ?? [], slot * rowCount);
  }
  return { length: columnCount, ...whole, stepMagnitude };
}

function rowOf({ x, steps, isInteger = false, sums }: RowSet, row: number, columnCount: number): RowSet {
  const of = (values: Float64Array, count: number): Float64Array => values.subarray(row * count, (row + 1) * count);
  const blockCount = columnCount / (sums?.blockElements ?? columnCount);
  return {
    x: of(x, columnCount),
    wantsMagnitude: true,
    isInteger,
    steps: steps ? of(steps, columnCount) : null,
    sums: sums ? { ...sums, errors: of(sums.errors, blockCount), slacks: of(sums.slacks, blockCount) } : null,
  };
}

/** Some rows of a matrix. */
class DecodedWeights {
  readonly values: Float64Array;
  /** null where there are none, or none are wanted. */
  readonly minimums: BlockMinimums | null;
  #magnitudes: Float64Array | null = null;
  #scaled: Float64Array | null = null;

  constructor(values: Float64Array, minimums: BlockMinimums | null) {
    this.values = values;
    this.minimums = minimums;
  }

  get magnitudes(): Float64Array {
    this.#magnitudes ??= magnitudes(this.values);
    return this.#magnitudes;
  }

  /** |d·q|: the magnitudes without the minimums. */
  get scaled(): Float64Array {
    if (this.minimums === null) return this.magnitudes;
    const { blockElements, values } = this.minimums;
    this.#scaled ??= this.values.map((w, i) => Math.abs(w - (values[Math.floor(i / blockElements)] ?? Number.NaN)));
    return this.#scaled;
  }
}

/** The products of one set, as far as rows of the matrix have been added. */
class SetProducts implements Products {
  readonly y: Float64Array;
  readonly magnitude: Float64Array | null;
  readonly stepMagnitude: Float64Array | null;
  readonly #set: RowSet;
  readonly #absX: Float64Array;

  constructor(set: RowSet, length: number) {
    this.#set = set;
    this.#absX = set.wantsMagnitude === true && set.isInteger === true ? magnitudes(set.x) : set.x;
    this.y = new Float64Array(length);
    this.magnitude = set.wantsMagnitude === true ? new Float64Array(length) : null;
    this.stepMagnitude = set.steps ? new Float64Array(length) : null;
  }

  add(rows: DecodedWeights, at: BlockPlace): void {
    const { x, steps, isInteger } = this.#set;
    if (this.magnitude !== null && isInteger !== true) multiplyWithMagnitudes(rows.values, x, this, at);
    else multiplyBlock(rows.values, x, this.y, at);
    if (this.magnitude !== null && isInteger === true) multiplyBlock(rows.scaled, this.#absX, this.magnitude, at);
    if (this.stepMagnitude !== null && steps) multiplyBlock(rows.magnitudes, steps, this.stepMagnitude, at);
    if (rows.minimums !== null) this.#addMinimums(rows.minimums, at);
  }

  #addMinimums({ blockElements, values }: BlockMinimums, at: BlockPlace): void {
    const { x, isInteger, sums } = this.#set;
    const ofBlocks = { ...at, columnCount: at.columnCount / blockElements };
    const absolute = magnitudes(values);
    if (this.magnitude !== null && isInteger === true) {
      multiplyBlock(absolute, magnitudes(blockSums(x, blockElements)), this.magnitude, ofBlocks);
    }
    if (sums?.blockElements !== blockElements) return;
    multiplyBlock(values, sums.errors, this.y, ofBlocks);
    if (this.stepMagnitude !== null) multiplyBlock(absolute, sums.slacks, this.stepMagnitude, ofBlocks);
  }
}

function blockSums(x: Float64Array, blockElements: number): Float64Array {
  const sums = new Float64Array(x.length / blockElements);
  for (const [i, value] of x.entries()) {
    const block = Math.floor(i / blockElements);
    sums[block] = (sums[block] ?? 0) + value;
  }
  return sums;
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

/** Adds to y. Four positions and two weight rows at a time: eight sums stay in registers, every load serves several. */
function multiplyBlock(w: Float64Array, x: Float64Array, y: Float64Array, at: BlockPlace): void {
  const { firstRow, rowCount, columnCount: n, outCount } = at;
  const positionCount = x.length / n;
  let p = 0;
  for (; p + 4 <= positionCount; p += 4) {
    let r = 0;
    for (; r + 2 <= rowCount; r += 2) multiplyTile(w, r * n, x, p * n, n, y, p * outCount + firstRow + r, outCount);
    for (; r < rowCount; r += 1) {
      for (let q = p; q < p + 4; q += 1) addRow(w, r * n, x, q * n, n, y, q * outCount + firstRow + r);
    }
  }
  for (; p < positionCount; p += 1) {
    for (let r = 0; r < rowCount; r += 1) addRow(w, r * n, x, p * n, n, y, p * outCount + firstRow + r);
  }
}

/** Adds to y as `multiplyBlock` does, to the bit, and Σ|w·x| to `magnitude` from the same products. */
function multiplyWithMagnitudes(w: Float64Array, x: Float64Array, { y, magnitude }: Products, at: BlockPlace): void {
  if (magnitude === null) return;
  const { firstRow, rowCount, columnCount: n, outCount } = at;
  const positionCount = x.length / n;
  const wholePositions = positionCount - (positionCount % 4);
  const wholeRows = rowCount - (rowCount % 2);
  for (let p = 0; p < wholePositions; p += 4) {
    for (let r = 0; r < wholeRows; r += 1) {
      multiplyRowWithMagnitudes(w, r * n, x, p * n, n, y, magnitude, p * outCount + firstRow + r, outCount);
    }
    for (let r = wholeRows; r < rowCount; r += 1) {
      for (let q = p; q < p + 4; q += 1) {
        addRow(w, r * n, x, q * n, n, y, q * outCount + firstRow + r);
        addMagnitudes(w, r * n, x, q * n, n, magnitude, q * outCount + firstRow + r);
      }
    }
  }
  for (let p = wholePositions; p < positionCount; p += 1) {
    for (let r = 0; r < rowCount; r += 1) {
      addRow(w, r * n, x, p * n, n, y, p * outCount + firstRow + r);
      addMagnitudes(w, r * n, x, p * n, n, magnitude, p * outCount + firstRow + r);
    }
  }
}

/** Four positions of one weight row. */
function multiplyRowWithMagnitudes(
  w: Float64Array,
  wAt: number,
  x: Float64Array,
  xAt: number,
  n: number,
  y: Float64Array,
  sizes: Float64Array,
  yAt: number,
  yStride: number,
): void {
  let [a0, a1, a2, a3] = [y[yAt] ?? 0, y[yAt + yStride] ?? 0, y[yAt + 2 * yStride] ?? 0, y[yAt + 3 * yStride] ?? 0];
  let [m0, m1, m2, m3] = [0, 0, 0, 0];
  for (let c = 0; c < n; c += 1) {
    const v = w[wAt + c] ?? 0;
    const p0 = v * (x[xAt + c] ?? 0);
    const p1 = v * (x[xAt + n + c] ?? 0);
    const p2 = v * (x[xAt + 2 * n + c] ?? 0);
    const p3 = v * (x[xAt + 3 * n + c] ?? 0);
    a0 += p0;
    a1 += p1;
    a2 += p2;
    a3 += p3;
    m0 += Math.abs(p0);
    m1 += Math.abs(p1);
    m2 += Math.abs(p2);
    m3 += Math.abs(p3);
  }
  y[yAt] = a0;
  y[yAt + yStride] = a1;
  y[yAt + 2 * yStride] = a2;
  y[yAt + 3 * yStride] = a3;
  sizes[yAt] = (sizes[yAt] ?? 0) + m0;
  sizes[yAt + yStride] = (sizes[yAt + yStride] ?? 0) + m1;
  sizes[yAt + 2 * yStride] = (sizes[yAt + 2 * yStride] ?? 0) + m2;
  sizes[yAt + 3 * yStride] = (sizes[yAt + 3 * yStride] ?? 0) + m3;
}

function addMagnitudes(
  w: Float64Array,
  wAt: number,
  x: Float64Array,
  xAt: number,
  n: number,
  sizes: Float64Array,
  at: number,
): void {
  let sum = 0;
  for (let c = 0; c < n; c += 1) sum += Math.abs((w[wAt + c] ?? 0) * (x[xAt + c] ?? 0));
  sizes[at] = (sizes[at] ?? 0) + sum;
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
  let [a0, b0] = [y[yAt] ?? 0, y[yAt + 1] ?? 0];
  let [a1, b1] = [y[yAt + yStride] ?? 0, y[yAt + yStride + 1] ?? 0];
  let [a2, b2] = [y[yAt + 2 * yStride] ?? 0, y[yAt + 2 * yStride + 1] ?? 0];
  let [a3, b3] = [y[yAt + 3 * yStride] ?? 0, y[yAt + 3 * yStride + 1] ?? 0];
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

function addRow(
  w: Float64Array,
  wAt: number,
  x: Float64Array,
  xAt: number,
  n: number,
  y: Float64Array,
  yAt: number,
): void {
  let [even, odd] = [y[yAt] ?? 0, 0];
  let c = 0;
  for (; c + 2 <= n; c += 2) {
    even += (w[wAt + c] ?? 0) * (x[xAt + c] ?? 0);
    odd += (w[wAt + c + 1] ?? 0) * (x[xAt + c + 1] ?? 0);
  }
  if (c < n) even += (w[wAt + c] ?? 0) * (x[xAt + c] ?? 0);
  y[yAt] = even + odd;
}
