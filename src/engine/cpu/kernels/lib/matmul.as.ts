// The matrix product around a row decoder. Eight rows at a time, a chunk of each is decoded to f32 into scratch, and
// multiplied with every token while it is there; so a weight is decoded once per run and not once per token. Order of
// summation: dot.as.ts, for every tile shape below. The rows of a tile stand an eighth of the matrix apart: each is
// then a stream that only runs forward, which the memory's prefetcher follows. Eight neighbours, each a step behind
// the last, are a pattern that it does not: one token took 1.2 (q4_k) to 1.7 times (f16) as long from memory
// (bench/matmul-token.ts).
import { CHUNK, dotTail, sumLanes } from './dot.as';

const TILE_ROWS: i32 = 8;
/** Bytes between two decoded rows in scratch; the tile kernels have it in their load offsets. */
const ROW_STRIDE: usize = 1024;
const TILE_BYTES: usize = 8192;

/** How a tensor type becomes f32. One class per matmul module; it has no state. */
export abstract class RowDequantizer {
  /** Columns in a block of the type. */
  abstract blockColumns(): i32;
  abstract blockBytes(): i32;
  /** Writes blockCount · blockColumns() f32 to `out`, bit for bit what ggml's own dequantiser gives. */
  abstract dequantize(blocks: usize, out: usize, blockCount: i32): void;
}

/** Bytes of scratch that `multiply` needs: decoded rows, then four lanes per token and row. */
export function scratchByteLength(tokenCount: i32): i32 {
  return <i32>TILE_BYTES + tokenCount * TILE_ROWS * 16;
}

/**
 * out[t · outStride + r] = Σ_c W[r, c] · x[t · columnCount + c]
 *
 * @param out         [tokenCount, outStride] f32; columns 0..rowCount-1 of each row are written
 * @param x           [tokenCount, columnCount] f32
 * @param weights     [rowCount, columnCount] in the decoder's type, rows contiguous
 * @param scratch     scratchByteLength(tokenCount) bytes
 */
export function multiply<D extends RowDequantizer>(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  // A decoder has no fields: a null reference makes its calls static, and a class costs no table of functions.
  const decoder = changetype<D>(0);
  const blockColumns = decoder.blockColumns();
  const blockBytes = decoder.blockBytes();
  const rowBytes = <usize>(columnCount / blockColumns) * blockBytes;
  const xStride = <usize>columnCount << 2;
  const lanes = scratch + TILE_BYTES;
  const tiles = rowCount / TILE_ROWS, rest = rowCount % TILE_ROWS;
  for (let tile = 0; tile < tiles + (rest > 0 ? 1 : 0); tile++) {
    const rows = tile < tiles ? TILE_ROWS : rest;
    const row = tile < tiles ? tile : tiles * TILE_ROWS;
    const apart = tile < tiles ? tiles : 1;
    const apartBytes = <usize>apart * rowBytes;
    clear(lanes, tokenCount * TILE_ROWS);
    let source = weights + <usize>row * rowBytes;
    for (let column = 0; column < columnCount; column += CHUNK) {
      const columns = min(CHUNK, columnCount - column);
      const blocks = columns / blockColumns;
      for (let r = 0; r < rows; r++) {
        decoder.dequantize(source + <usize>r * apartBytes, scratch + <usize>r * ROW_STRIDE, blocks);
      }
      source += <usize>blocks * blockBytes;
      multiplyTile(scratch, x + (<usize>column << 2), xStride, lanes, rows, tokenCount, <usize>(columns & ~3) << 2);
    }
    finishTile(
      out + (<usize>row << 2), <usize>apart << 2, <usize>outStride << 2, x, columnCount, lanes, rows, tokenCount, scratch,
    );
  }
}

/** A call of memory.fill costs more than the few stores of one token. */
function clear(lanes: usize, count: i32): void {
  for (; count > 0; count--, lanes += 16) v128.store(lanes, i32x4.splat(0));
}

/** lanes[t][r] += lane sums of a chunk of row r times token t. */
function multiplyTile(
  w: usize, x: usize, xStride: usize, lanes: usize, rows: i32, tokenCount: i32, byteLength: usize,
): void {
  let token = 0;
  if (rows === TILE_ROWS) {
    for (; token + 1 < tokenCount; token += 2, x += xStride << 1, lanes += 256) {
      tile4x2(w, x, xStride, lanes, byteLength);
      tile4x2(w + 4 * ROW_STRIDE, x, xStride, lanes + 64, byteLength);
    }
    if (token < tokenCount) tile8x1(w, x, lanes, byteLength);
    return;
  }
  for (; token < tokenCount; token++, x += xStride, lanes += 128) {
    for (let r = 0; r < rows; r++) tile1x1(w + <usize>r * ROW_STRIDE, x, lanes + (<usize>r << 4), byteLength);
  }
}

/** 1 row, 1 token. */
function tile1x1(w: usize, x: usize, lanes: usize, byteLength: usize): void {
  let sum = f32x4.splat(0);
  for (const end = w + byteLength; w < end; w += 16, x += 16) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(w), v128.load(x)));
  }
  v128.store(lanes, f32x4.add(v128.load(lanes), sum));
}

/** 8 rows, 1 token: eight independent chains hide the latency of addition. */
function tile8x1(w: usize, x: usize, lanes: usize, byteLength: usize): void {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0), s5 = f32x4.splat(0), s6 = f32x4.splat(0), s7 = f32x4.splat(0);
  // Two columns of vectors per turn: the loop's own work is a tenth of it.
  const end = w + byteLength;
  for (const pairsEnd = w + (byteLength & ~31); w < pairsEnd; w += 32, x += 32) {
    const a = v128.load(x), b = v128.load(x, 16);
    s0 = f32x4.add(f32x4.add(s0, f32x4.mul(v128.load(w), a)), f32x4.mul(v128.load(w, 16), b));
    s1 = f32x4.add(f32x4.add(s1, f32x4.mul(v128.load(w, 1024), a)), f32x4.mul(v128.load(w, 1040), b));
    s2 = f32x4.add(f32x4.add(s2, f32x4.mul(v128.load(w, 2048), a)), f32x4.mul(v128.load(w, 2064), b));
    s3 = f32x4.add(f32x4.add(s3, f32x4.mul(v128.load(w, 3072), a)), f32x4.mul(v128.load(w, 3088), b));
    s4 = f32x4.add(f32x4.add(s4, f32x4.mul(v128.load(w, 4096), a)), f32x4.mul(v128.load(w, 4112), b));
    s5 = f32x4.add(f32x4.add(s5, f32x4.mul(v128.load(w, 5120), a)), f32x4.mul(v128.load(w, 5136), b));
    s6 = f32x4.add(f32x4.add(s6, f32x4.mul(v128.load(w, 6144), a)), f32x4.mul(v128.load(w, 6160), b));
    s7 = f32x4.add(f32x4.add(s7, f32x4.mul(v128.load(w, 7168), a)), f32x4.mul(v128.load(w, 7184), b));
  }
  if (w < end) {
    const a = v128.load(x);
    s0 = f32x4.add(s0, f32x4.mul(v128.load(w), a));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(w, 1024), a));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(w, 2048), a));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(w, 3072), a));
    s4 = f32x4.add(s4, f32x4.mul(v128.load(w, 4096), a));
    s5 = f32x4.add(s5, f32x4.mul(v128.load(w, 5120), a));
    s6 = f32x4.add(s6, f32x4.mul(v128.load(w, 6144), a));
    s7 = f32x4.add(s7, f32x4.mul(v128.load(w, 7168), a));
  }
  v128.store(lanes, f32x4.add(v128.load(lanes), s0));
  v128.store(lanes, f32x4.add(v128.load(lanes, 16), s1), 16);
  v128.store(lanes, f32x4.add(v128.load(lanes, 32), s2), 32);
  v128.store(lanes, f32x4.add(v128.load(lanes, 48), s3), 48);
  v128.store(lanes, f32x4.add(v128.load(lanes, 64), s4), 64);
  v128.store(lanes, f32x4.add(v128.load(lanes, 80), s5), 80);
  v128.store(lanes, f32x4.add(v128.load(lanes, 96), s6), 96);
  v128.store(lanes, f32x4.add(v128.load(lanes, 112), s7), 112);
}

/** 4 rows, 2 tokens: 8 sums, 4 weights and 2 activations fit the 16 registers. */
function tile4x2(w: usize, x: usize, xStride: usize, lanes: usize, byteLength: usize): void {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  let t0 = f32x4.splat(0), t1 = f32x4.splat(0), t2 = f32x4.splat(0), t3 = f32x4.splat(0);
  let y = x + xStride;
  for (const end = w + byteLength; w < end; w += 16, x += 16, y += 16) {
    const a = v128.load(x), b = v128.load(y);
    const w0 = v128.load(w);
    s0 = f32x4.add(s0, f32x4.mul(w0, a));
    t0 = f32x4.add(t0, f32x4.mul(w0, b));
    const w1 = v128.load(w, 1024);
    s1 = f32x4.add(s1, f32x4.mul(w1, a));
    t1 = f32x4.add(t1, f32x4.mul(w1, b));
    const w2 = v128.load(w, 2048);
    s2 = f32x4.add(s2, f32x4.mul(w2, a));
    t2 = f32x4.add(t2, f32x4.mul(w2, b));
    const w3 = v128.load(w, 3072);
    s3 = f32x4.add(s3, f32x4.mul(w3, a));
    t3 = f32x4.add(t3, f32x4.mul(w3, b));
  }
  v128.store(lanes, f32x4.add(v128.load(lanes), s0));
  v128.store(lanes, f32x4.add(v128.load(lanes, 16), s1), 16);
  v128.store(lanes, f32x4.add(v128.load(lanes, 32), s2), 32);
  v128.store(lanes, f32x4.add(v128.load(lanes, 48), s3), 48);
  v128.store(lanes, f32x4.add(v128.load(lanes, 128), t0), 128);
  v128.store(lanes, f32x4.add(v128.load(lanes, 144), t1), 144);
  v128.store(lanes, f32x4.add(v128.load(lanes, 160), t2), 160);
  v128.store(lanes, f32x4.add(v128.load(lanes, 176), t3), 176);
}

/** Adds up the lanes and the last columns mod 4, whose weights are the end of the chunk still in scratch. */
function finishTile(
  out: usize, rowStride: usize, outStride: usize, x: usize, columnCount: i32, lanes: usize, rows: i32, tokenCount: i32,
  tile: usize,
): void {
  const mainCount = columnCount & ~3;
  const tailCount = columnCount - mainCount;
  const tailOffset = <usize>(mainCount & (CHUNK - 1)) << 2;
  for (let token = 0; token < tokenCount; token++, out += outStride, lanes += 128) {
    const tailX = x + (<usize>(token * columnCount + mainCount) << 2);
    for (let r = 0; r < rows; r++) {
      let total = sumLanes(v128.load(lanes + (<usize>r << 4)));
      if (tailCount > 0) total += dotTail(tile + <usize>r * ROW_STRIDE + tailOffset, tailX, tailCount);
      store<f32>(out + <usize>r * rowStride, total);
    }
  }
}
