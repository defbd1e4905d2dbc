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

/**
 * Four dot products at once: lane i is `dot(w + i · strideBytes, x, columnCount)`, bit for bit. For columnCount a
 * multiple of 4 and at most CHUNK.
 */
export function dotFour(w: usize, strideBytes: usize, x: usize, columnCount: i32): v128 {
  let a = f32x4.splat(0), b = f32x4.splat(0), c = f32x4.splat(0), d = f32x4.splat(0);
  let w1 = w + strideBytes, w2 = w1 + strideBytes, w3 = w2 + strideBytes;
  for (const end = w + (<usize>columnCount << 2); w < end; w += 16, w1 += 16, w2 += 16, w3 += 16, x += 16) {
    const y = v128.load(x);
    a = f32x4.add(a, f32x4.mul(v128.load(w), y));
    b = f32x4.add(b, f32x4.mul(v128.load(w1), y));
    c = f32x4.add(c, f32x4.mul(v128.load(w2), y));
    d = f32x4.add(d, f32x4.mul(v128.load(w3), y));
  }
  return sumLanesOfFour(a, b, c, d);
}

/** Lane i is `sumLanes` of the i-th argument, as the row's lanes, to which a chunk is added, start from +0. */
function sumLanesOfFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const zero = f32x4.splat(0);
  const ab = sumPairs(f32x4.add(zero, a), f32x4.add(zero, b)), cd = sumPairs(f32x4.add(zero, c), f32x4.add(zero, d));
  return f32x4.add(
    i8x16.shuffle(ab, cd, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
    i8x16.shuffle(ab, cd, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31),
  );
}

/** [a0 + a2, a1 + a3, b0 + b2, b1 + b3] */
function sumPairs(a: v128, b: v128): v128 {
  return f32x4.add(
    i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
    i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31),
  );
}
