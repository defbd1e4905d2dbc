// The matrix product of one token with weights in blocks of at most 32 columns: decoded weights stay in registers.
// Order of summation: dot.as.ts, so that a token has the same bits here and in a batch (matmul.as.ts). Four rows are
// in work at once, whose sums hide each other's latency; a quarter of the matrix apart, for the reason that
// matmul.as.ts gives. Beside that way of decoding to memory it takes 0.8 (q4_1) to 0.9 (q8_0) of the time.
import { CHUNK, sumLanes } from './dot.as';
import { RowDequantizer } from './matmul.as';

export abstract class BlockDequantizer extends RowDequantizer {
  /**
   * sum + the block's weights times x, in the order of summation, one lane per column mod 4. `spare`: 16 bytes of
   * scratch.
   */
  abstract addProducts(block: usize, x: usize, spare: usize, sum: v128): v128;
}

/** As `multiply` of matmul.as.ts for one token; columnCount is a whole number of blocks. `scratch`: 64 bytes. */
export function multiplyToken<D extends BlockDequantizer>(
  out: usize, x: usize, weights: usize, rowCount: i32, columnCount: i32, scratch: usize,
): void {
  const blocksPerRow = columnCount / changetype<D>(0).blockColumns();
  const rowBytes = <usize>blocksPerRow * changetype<D>(0).blockBytes();
  const quarter = rowCount >> 2;
  for (let row = 0; row < quarter; row++) {
    multiplyFour<D>(
      out + (<usize>row << 2), <usize>quarter << 2, x, weights + <usize>row * rowBytes, <usize>quarter * rowBytes,
      blocksPerRow, scratch,
    );
  }
  for (let row = quarter << 2; row < rowCount; row++) {
    multiplyOne<D>(out + (<usize>row << 2), x, weights + <usize>row * rowBytes, blocksPerRow, scratch);
  }
}

/** Rows w, w + apart, w + 2·apart, w + 3·apart. */
// @ts-ignore: decorator
@inline
function multiplyFour<D extends BlockDequantizer>(
  out: usize, outApart: usize, x: usize, w: usize, apart: usize, blocksPerRow: i32, scratch: usize,
): void {
  const decoder = changetype<D>(0);
  const blockBytes = <usize>decoder.blockBytes(), xBytes = <usize>decoder.blockColumns() << 2;
  const blocksPerChunk = CHUNK / decoder.blockColumns();
  let w1 = w + apart, w2 = w1 + apart, w3 = w2 + apart;
  let total0 = f32x4.splat(0), total1 = f32x4.splat(0), total2 = f32x4.splat(0), total3 = f32x4.splat(0);
  for (let left = blocksPerRow; left > 0; left -= blocksPerChunk) {
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
    for (const end = x + <usize>min(blocksPerChunk, left) * xBytes; x < end; x += xBytes) {
      s0 = decoder.addProducts(w, x, scratch, s0);
      s1 = decoder.addProducts(w1, x, scratch + 16, s1);
      s2 = decoder.addProducts(w2, x, scratch + 32, s2);
      s3 = decoder.addProducts(w3, x, scratch + 48, s3);
      w += blockBytes;
      w1 += blockBytes;
      w2 += blockBytes;
      w3 += blockBytes;
    }
    total0 = f32x4.add(total0, s0);
    total1 = f32x4.add(total1, s1);
    total2 = f32x4.add(total2, s2);
    total3 = f32x4.add(total3, s3);
  }
  store<f32>(out, sumLanes(total0));
  store<f32>(out + outApart, sumLanes(total1));
  store<f32>(out + 2 * outApart, sumLanes(total2));
  store<f32>(out + 3 * outApart, sumLanes(total3));
}

function multiplyOne<D extends BlockDequantizer>(out: usize, x: usize, w: usize, blocksPerRow: i32, scratch: usize): void {
  const decoder = changetype<D>(0);
  const blockBytes = <usize>decoder.blockBytes(), xBytes = <usize>decoder.blockColumns() << 2;
  const blocksPerChunk = CHUNK / decoder.blockColumns();
  let total = f32x4.splat(0);
  for (let left = blocksPerRow; left > 0; left -= blocksPerChunk) {
    let sum = f32x4.splat(0);
    for (const end = x + <usize>min(blocksPerChunk, left) * xBytes; x < end; x += xBytes, w += blockBytes) {
      sum = decoder.addProducts(w, x, scratch, sum);
    }
    total = f32x4.add(total, sum);
  }
  store<f32>(out, sumLanes(total));
}
