// What the logits of each position would have chosen, on two sides. A mean would hide the one that is wrong. Pure.

export interface ChoiceComparison {
  position: number;
  /** Token with the largest logit, the lowest id of equals; null where a NaN makes "largest" meaningless. */
  argmaxA: number | null;
  argmaxB: number | null;
  /** False as well where either side has none. */
  isSameArgmax: boolean;
  /** Distance of A's two largest logits: a flip across a small margin says little, across a large one much. */
  marginA: number | null;
  /** How many of A's five largest are among B's five largest; 0 where either side holds a NaN. */
  topOverlap: number;
  /** Size of the two sets: 5, or fewer in a vocabulary of fewer. */
  topCount: number;
}

const TOP = 5;

/** For logits: the choice that each position would have led to. */
export function compareChoices(
  a: Float32Array,
  b: Float32Array,
  vocabSize: number,
  firstPosition = 0,
): ChoiceComparison[] {
  const result: ChoiceComparison[] = [];
  for (const [i, rowA, rowB] of rowPairs(a, b, vocabSize)) {
    const topA = topIndices(rowA, Math.max(2, TOP));
    const topB = topIndices(rowB, TOP);
    const argmaxA = topA[0] ?? null;
    const argmaxB = topB[0] ?? null;
    const runnerUp = topA[1];
    result.push({
      position: firstPosition + i,
      argmaxA,
      argmaxB,
      isSameArgmax: argmaxA !== null && argmaxA === argmaxB,
      marginA: argmaxA === null || runnerUp === undefined ? null : (rowA[argmaxA] ?? 0) - (rowA[runnerUp] ?? 0),
      topOverlap: topA.slice(0, TOP).filter((index) => topB.includes(index)).length,
      topCount: Math.min(TOP, vocabSize),
    });
  }
  return result;
}

/** Indices of the `count` largest values, largest first, equal ones by index; none at all if a NaN is among them. */
export function topIndices(row: Float32Array | Float64Array, count: number): number[] {
  const top: number[] = [];
  for (let i = 0; i < row.length; i += 1) {
    const value = row[i] ?? 0;
    if (Number.isNaN(value)) return [];
    const last = top.at(-1);
    if (top.length === count && last !== undefined && value <= (row[last] ?? 0)) continue;
    const before = top.findIndex((index) => value > (row[index] ?? 0));
    top.splice(before === -1 ? top.length : before, 0, i);
    if (top.length > count) top.pop();
  }
  return top;
}

function* rowPairs(
  a: Float32Array,
  b: Float32Array,
  columnCount: number,
): Generator<[row: number, a: Float32Array, b: Float32Array]> {
  if (a.length !== b.length || columnCount < 1 || a.length % columnCount !== 0) {
    throw new RangeError(`${a.length} and ${b.length} elements in rows of ${columnCount}`);
  }
  for (let row = 0; row * columnCount < a.length; row += 1) {
    const start = row * columnCount;
    yield [row, a.subarray(start, start + columnCount), b.subarray(start, start + columnCount)];
  }
}
