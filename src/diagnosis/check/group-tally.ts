// Group statistics of e/B: per row (position), head, block of 32 channels and the last channels, so that an error in
// one head or one tail is not averaged away. A group is above its limit where the mean of (e/B)² exceeds
//   κ²·(1 + 2√(t/n) + 2t/n),   t = ln(groups/α)
// with κ the root mean square of healthy engines and n its independent elements: the tail bound of a sum of squares
// (Laurent and Massart 2000, lemma 1), with α shared among the groups (Bonferroni).
import type { Op } from '../../engine/program/program.ts';
import { judgementOf } from '../ops/judgements.ts';

export interface WorstGroup {
  kind: 'row' | 'head' | 'block' | 'tail';
  /** Position of a row, index of a head or of a block of 32 channels; 0 for the tail. */
  index: number;
  rms: number;
  limit: number;
}

const BLOCK = 32;
const TAIL = 4;

/** Of results that are each rounded to a half: errors that are uniform over ±u·|y|. */
const ROUNDED_RMS: number = 1 / Math.sqrt(3);

/** Probability that a healthy run has any group over its limit; divided by the number of groups (Bonferroni). */
const GROUP_FALSE_ALARM = 1e-6;

export class GroupTally {
  readonly #op: Op['op'];
  readonly #width: number;
  readonly #headDim: number | null;
  readonly #isHalf: boolean;
  readonly #heads: Float64Array;
  readonly #blocks: Float64Array;
  #tail = 0;
  #row: Float64Array = new Float64Array(0);
  #rowCount = 0;
  #firstPosition = 0;
  #rowsSeen = 0;
  #worstRow: { index: number; meanSquare: number } = { index: 0, meanSquare: 0 };

  constructor(op: Op['op'], { width, headDim, isHalf }: { width: number; headDim: number | null; isHalf: boolean }) {
    this.#op = op;
    this.#width = width;
    this.#headDim = headDim;
    this.#isHalf = isHalf;
    this.#heads = new Float64Array(headDim === null ? 0 : width / headDim);
    this.#blocks = new Float64Array(Math.ceil(width / BLOCK));
  }

  beginChunk(firstPosition: number): void {
    this.#firstPosition = firstPosition;
    this.#row = new Float64Array(0);
    this.#rowCount = 0;
  }

  /** @param i index within the chunk, in order */
  add(i: number, rho: number): void {
    if (rho === 0) return;
    const row = Math.floor(i / this.#width);
    const channel = i - row * this.#width;
    const square = rho * rho;
    if (row >= this.#row.length) this.#grow(row);
    this.#row[row] = (this.#row[row] ?? 0) + square;
    this.#rowCount = Math.max(this.#rowCount, row + 1);
    const block = (channel / BLOCK) | 0;
    this.#blocks[block] = (this.#blocks[block] ?? 0) + square;
    if (this.#headDim !== null) {
      const head = (channel / this.#headDim) | 0;
      this.#heads[head] = (this.#heads[head] ?? 0) + square;
    }
    if (channel >= this.#width - TAIL) this.#tail += square;
  }

  #grow(row: number): void {
    const grown = new Float64Array(Math.max(16, 2 * (row + 1)));
    grown.set(this.#row);
    this.#row = grown;
  }

  endChunk(rowCount: number): void {
    this.#rowsSeen += rowCount;
    for (let row = 0; row < this.#rowCount; row += 1) {
      const meanSquare = (this.#row[row] ?? 0) / this.#width;
      if (!(meanSquare <= this.#worstRow.meanSquare)) {
        this.#worstRow = { index: this.#firstPosition + row, meanSquare };
      }
    }
  }

  /** The group that is nearest to its limit, or most above it. */
  worst(): WorstGroup | null {
    const rows = this.#rowsSeen;
    if (rows === 0) return null;
    const { expectedGroupRms, sharesErrors } = judgementOf(this.#op);
    const kappa = this.#isHalf ? Math.max(ROUNDED_RMS, expectedGroupRms) : expectedGroupRms;
    const t = Math.log((rows + this.#heads.length + this.#blocks.length + 1) / GROUP_FALSE_ALARM);
    const limitOf = (rowCount: number, columnCount: number): number => {
      const n = sharesErrors ? rowCount : rowCount * columnCount;
      return kappa * Math.sqrt(1 + 2 * Math.sqrt(t / n) + (2 * t) / n);
    };
    const tailWidth = Math.min(TAIL, this.#width);
    const groups: WorstGroup[] = [
      {
        kind: 'row',
        index: this.#worstRow.index,
        rms: Math.sqrt(this.#worstRow.meanSquare),
        limit: limitOf(1, this.#width),
      },
      { kind: 'tail', index: 0, rms: Math.sqrt(this.#tail / (rows * tailWidth)), limit: limitOf(rows, tailWidth) },
      ...largest('head', this.#heads, () => this.#headDim ?? 1, rows, limitOf),
      ...largest('block', this.#blocks, (b) => Math.min(BLOCK, this.#width - b * BLOCK), rows, limitOf),
    ];
    return groups.toSorted((a, b) => b.rms / b.limit - a.rms / a.limit)[0] ?? null;
  }
}

function largest(
  kind: 'head' | 'block',
  sums: Float64Array,
  widthOf: (index: number) => number,
  rows: number,
  limitOf: (rowCount: number, columnCount: number) => number,
): WorstGroup[] {
  return Array.from(sums, (sum, index) => {
    const width = widthOf(index);
    return { kind, index, rms: Math.sqrt(sum / (rows * width)), limit: limitOf(rows, width) };
  });
}
