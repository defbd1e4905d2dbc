// Causal grouped-query attention over a cache of keys and values.
//   s_j = (q[h] · k_j[g]) · scale, g = h / (headCount / kvHeadCount), for every j in (p - window, p];
//   with a softcap c > 0, c · tanh(s_j / c) (roundings: softcap.as.ts) takes the place of s_j
//   e_j = e^(s_j - max s);  out[h] = (Σ_j e_j · v_j[g]) / Σ_j e_j
// Orders of summation: q·k as in lib/dot.as.ts. Over positions, counted from the first that is seen: blocks of 64, each
// summed left to right from +0 (Σ e_j: in four lanes, position i in lane i mod 4, lanes added as in dot.as.ts after the
// last block), blocks added left to right from +0. A row depends on its own position only, never on its neighbours.
import { CHUNK, dot, dotFour, sumLanes } from './lib/dot.as';
import { expInPlace } from './lib/exp.as';
import { softcap } from './softcap.as';

const BLOCK: i32 = 64;

/**
 * Writes rows of k (or v) into the cache at firstPosition.
 *
 * @param cache [kvHeadCount, capacity, headDim] f32
 * @param rows  [rowCount, kvHeadCount, headDim] f32
 */
export function append(
  cache: usize, rows: usize, firstPosition: i32, rowCount: i32, capacity: i32, kvHeadCount: i32, headDim: i32,
): void {
  const headBytes = <usize>headDim << 2;
  for (let row = 0; row < rowCount; row++) {
    for (let head = 0; head < kvHeadCount; head++, rows += headBytes) {
      memory.copy(cache + <usize>(head * capacity + firstPosition + row) * headBytes, rows, headBytes);
    }
  }
}

/**
 * @param out     [rowCount, headCount, headDim] f32
 * @param q       [rowCount, headCount, headDim] f32; row t is at position firstPosition + t
 * @param keys    [kvHeadCount, capacity, headDim] f32, filled up to firstPosition + rowCount
 * @param values  as keys
 * @param scores  scratch: capacity + 4 f32
 * @param window  positions that a query sees, itself included; 0 = all
 * @param cap     softcap of the scores; 0 = none
 */
export function attention(
  out: usize, q: usize, keys: usize, values: usize, scores: usize,
  firstPosition: i32, rowCount: i32, capacity: i32,
  headCount: i32, kvHeadCount: i32, headDim: i32, scale: f32, window: i32, cap: f32,
): void {
  const headBytes = <usize>headDim << 2;
  const groupHeads = headCount / kvHeadCount;
  for (let row = 0; row < rowCount; row++) {
    const position = firstPosition + row;
    const first = window > 0 && position >= window ? position - window + 1 : 0;
    const seen = position - first + 1;
    for (let head = 0; head < headCount; head++, q += headBytes, out += headBytes) {
      const start = <usize>((head / groupHeads) * capacity + first) * headBytes;
      scoreKeys(scores, q, keys + start, seen, headDim, scale);
      if (cap > 0) softcap(scores, scores, cap, seen);
      const total = softmaxNumerators(scores, seen);
      mixValues(out, scores, values + start, seen, headDim, total);
    }
  }
}

/** scores[j] = (q · k_j) · scale */
function scoreKeys(scores: usize, q: usize, keys: usize, seen: i32, headDim: i32, scale: f32): void {
  const headBytes = <usize>headDim << 2;
  const scale4 = f32x4.splat(scale);
  let j = 0;
  if (headDim <= CHUNK && (headDim & 3) === 0) {
    for (; j + 4 <= seen; j += 4, keys += headBytes << 2) {
      v128.store(scores + (<usize>j << 2), f32x4.mul(dotFour(keys, headBytes, q, headDim), scale4));
    }
  }
  for (; j < seen; j++, keys += headBytes) store<f32>(scores + (<usize>j << 2), dot(keys, q, headDim) * scale);
}

/** scores[j] = e^(scores[j] - max); gives their sum. */
function softmaxNumerators(scores: usize, seen: i32): f32 {
  const end = scores + (<usize>seen << 2);
  expInPlace(scores, seen, largestOf(scores, seen));
  // Zeros up to a multiple of four: they change no lane, since every e_j is >= 0.
  v128.store(end, f32x4.splat(0));
  let lanes = f32x4.splat(0);
  for (let p = scores; p < end; ) {
    let block = f32x4.splat(0);
    for (const blockEnd = min<usize>(end, p + (BLOCK << 2)); p < blockEnd; p += 16) {
      block = f32x4.add(block, v128.load(p));
    }
    lanes = f32x4.add(lanes, block);
  }
  return sumLanes(lanes);
}

/** The largest score; one that is NaN may be passed over, since its e_j will make the row NaN. */
function largestOf(scores: usize, seen: i32): f32 {
  let largest = load<f32>(scores);
  const end = scores + (<usize>seen << 2);
  if (seen >= 4) {
    let lanes = v128.load(scores);
    for (scores += 16; scores + 16 <= end; scores += 16) lanes = f32x4.pmax(lanes, v128.load(scores));
    largest = max<f32>(
      max<f32>(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
      max<f32>(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
    );
  }
  for (; scores < end; scores += 4) largest = max<f32>(largest, load<f32>(scores));
  return largest;
}

/** out[d] = (Σ_j e[j] · v_j[d]) / total */
function mixValues(out: usize, e: usize, values: usize, seen: i32, headDim: i32, total: f32): void {
  const headBytes = <usize>headDim << 2;
  let d: usize = 0;
  for (; d + 128 <= headBytes; d += 128) mix32(out + d, e, values + d, seen, headBytes, total);
  for (; d + 16 <= headBytes; d += 16) mix4(out + d, e, values + d, seen, headBytes, total);
  for (; d < headBytes; d += 4) mix1(out + d, e, values + d, seen, headBytes, total);
}

/** 32 channels: eight independent chains hide the latency of addition. */
function mix32(out: usize, e: usize, v: usize, seen: i32, headBytes: usize, total: f32): void {
  for (let i: usize = 0; i < 128; i += 16) v128.store(out + i, f32x4.splat(0));
  for (let j = 0; j < seen; ) {
    let a = f32x4.splat(0), b = f32x4.splat(0), c = f32x4.splat(0), d = f32x4.splat(0);
    let f = f32x4.splat(0), g = f32x4.splat(0), h = f32x4.splat(0), k = f32x4.splat(0);
    for (const end = min(seen, j + BLOCK); j < end; j++, v += headBytes, e += 4) {
      const p = v128.load32_splat(e);
      a = f32x4.add(a, f32x4.mul(p, v128.load(v)));
      b = f32x4.add(b, f32x4.mul(p, v128.load(v, 16)));
      c = f32x4.add(c, f32x4.mul(p, v128.load(v, 32)));
      d = f32x4.add(d, f32x4.mul(p, v128.load(v, 48)));
      f = f32x4.add(f, f32x4.mul(p, v128.load(v, 64)));
      g = f32x4.add(g, f32x4.mul(p, v128.load(v, 80)));
      h = f32x4.add(h, f32x4.mul(p, v128.load(v, 96)));
      k = f32x4.add(k, f32x4.mul(p, v128.load(v, 112)));
    }
    v128.store(out, f32x4.add(v128.load(out), a));
    v128.store(out, f32x4.add(v128.load(out, 16), b), 16);
    v128.store(out, f32x4.add(v128.load(out, 32), c), 32);
    v128.store(out, f32x4.add(v128.load(out, 48), d), 48);
    v128.store(out, f32x4.add(v128.load(out, 64), f), 64);
    v128.store(out, f32x4.add(v128.load(out, 80), g), 80);
    v128.store(out, f32x4.add(v128.load(out, 96), h), 96);
    v128.store(out, f32x4.add(v128.load(out, 112), k), 112);
  }
  const total4 = f32x4.splat(total);
  for (let i: usize = 0; i < 128; i += 16) v128.store(out + i, f32x4.div(v128.load(out + i), total4));
}

function mix4(out: usize, e: usize, v: usize, seen: i32, headBytes: usize, total: f32): void {
  let sum = f32x4.splat(0);
  for (let j = 0; j < seen; ) {
    let block = f32x4.splat(0);
    for (const end = min(seen, j + BLOCK); j < end; j++, v += headBytes, e += 4) {
      block = f32x4.add(block, f32x4.mul(v128.load32_splat(e), v128.load(v)));
    }
    sum = f32x4.add(sum, block);
  }
  v128.store(out, f32x4.div(sum, f32x4.splat(total)));
}

function mix1(out: usize, e: usize, v: usize, seen: i32, headBytes: usize, total: f32): void {
  let sum: f32 = 0;
  for (let j = 0; j < seen; ) {
    let block: f32 = 0;
    for (const end = min(seen, j + BLOCK); j < end; j++, v += headBytes, e += 4) {
      block += load<f32>(e) * load<f32>(v);
    }
    sum += block;
  }
  store<f32>(out, sum / total);
}
