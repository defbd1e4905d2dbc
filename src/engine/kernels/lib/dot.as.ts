// The engine's one order of summation. Every kernel that adds along a row does it exactly so, whatever the number of
// rows and tokens, which is why a prefill equals decode steps bit for bit:
//
//   the first n - n mod 4 columns go in chunks of 256; in a chunk, lane l of four adds the products of the columns
//   c ≡ l (mod 4), left to right, from +0; the lanes of a chunk are added to the row's lanes, left to right, from +0;
//   total = (lane0 + lane2) + (lane1 + lane3);
//   where n mod 4 is not 0, the last products are added left to right, from +0, and their sum is added to the total.
//
// Plain f32 multiplication and addition, each rounded: nothing fused, nothing relaxed.

/** Columns in a chunk. Long rows are summed in two levels, so the error grows with the square root of both. */
export const CHUNK: i32 = 256;

/** (lane0 + lane2) + (lane1 + lane3). */
export function sumLanes(lanes: v128): f32 {
  const pairs = f32x4.add(lanes, i8x16.shuffle(lanes, lanes, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** Σ w[c] · x[c] over fewer than 4 columns, left to right. */
export function dotTail(w: usize, x: usize, columnCount: i32): f32 {
  let sum: f32 = 0;
  for (let c = 0; c < columnCount; c++) {
    sum += load<f32>(w + (<usize>c << 2)) * load<f32>(x + (<usize>c << 2));
  }
  return sum;
}

/** Σ w[c] · x[c], c < columnCount, in the order above. */
export function dot(w: usize, x: usize, columnCount: i32): f32 {
  const mainCount = columnCount & ~3;
  let lanes = f32x4.splat(0);
  for (let column = 0; column < mainCount; column += CHUNK) {
    let chunk = f32x4.splat(0);
    for (const end = w + (<usize>min(CHUNK, mainCount - column) << 2); w < end; w += 16, x += 16) {
      chunk = f32x4.add(chunk, f32x4.mul(v128.load(w), v128.load(x)));
    }
    lanes = f32x4.add(lanes, chunk);
  }
  const total = sumLanes(lanes);
  return columnCount > mainCount ? total + dotTail(w, x, columnCount - mainCount) : total;
}
