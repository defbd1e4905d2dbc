// Which keys the query heads of a chunk see, and where in the arrays they lie: what budget, carry and emulation of
// `attention` go along. No arithmetic.
import type { AttentionOp } from '../../engine/program/program.ts';

/** Keys and values of every position from 0 on, [positions, kvHeadCount · headDim]. */
export interface CachedRows {
  keys: Float64Array;
  values: Float64Array;
}

/** One query head of one row, and what it sees: of key j, channel c at `from + j · width + c` of the cache. */
export interface QueryHead {
  /** Where its channels begin, in the queries and in the result. */
  at: number;
  from: number;
  width: number;
  /** Number of keys. */
  count: number;
}

/** The rows are of positions from the cache's length minus their number on. */
export function forEachHead(
  { headCount, kvHeadCount, headDim, window }: AttentionOp,
  queries: Float64Array,
  { keys }: CachedRows,
  visit: (head: QueryHead) => void,
): void {
  const rowCount = queries.length / (headCount * headDim);
  const width = kvHeadCount * headDim;
  const firstPosition = keys.length / width - rowCount;
  for (let row = 0; row < rowCount; row += 1) {
    const position = firstPosition + row;
    const first = window === null ? 0 : Math.max(0, position - window + 1);
    for (let head = 0; head < headCount; head += 1) {
      const kvHead = Math.floor(head / (headCount / kvHeadCount));
      visit({
        at: (row * headCount + head) * headDim,
        from: first * width + kvHead * headDim,
        width,
        count: position - first + 1,
      });
    }
  }
}
