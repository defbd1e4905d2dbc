// Rotary position embedding. For pair i of a head, with angle a = angle of pair i at the row's position:
//   out_first = first · cos a - second · sin a;  out_second = first · sin a + second · cos a
// Pairs: norm (2i, 2i + 1), neox (i, i + rotaryDim/2); channels from rotaryDim on are copied.
// Two products and a sum, each rounded. The angles are not computed here: program/rope-table.ts.

/**
 * @param out   [rowCount, headCount, headDim] f32
 * @param x     as out
 * @param table [rowCount, 2, rotaryDim / 2] f32: cosines, then sines, of the row's position
 */
export function rope(
  out: usize, x: usize, table: usize,
  rowCount: i32, headCount: i32, headDim: i32, rotaryDim: i32, isNeox: bool,
): void {
  const halfBytes = <usize>rotaryDim << 1;
  const restBytes = <usize>(headDim - rotaryDim) << 2;
  for (; rowCount > 0; rowCount--, table += halfBytes << 1) {
    for (let head = 0; head < headCount; head++, out += <usize>headDim << 2, x += <usize>headDim << 2) {
      if (isNeox) rotateHalves(out, x, table, halfBytes);
      else rotateNeighbours(out, x, table, halfBytes);
      if (restBytes > 0) memory.copy(out + (halfBytes << 1), x + (halfBytes << 1), restBytes);
    }
  }
}

function rotateHalves(out: usize, x: usize, cosines: usize, halfBytes: usize): void {
  const sines = cosines + halfBytes;
  let i: usize = 0;
  for (; i + 16 <= halfBytes; i += 16) {
    const c = v128.load(cosines + i), s = v128.load(sines + i);
    const first = v128.load(x + i), second = v128.load(x + halfBytes + i);
    v128.store(out + i, f32x4.sub(f32x4.mul(first, c), f32x4.mul(second, s)));
    v128.store(out + halfBytes + i, f32x4.add(f32x4.mul(first, s), f32x4.mul(second, c)));
  }
  for (; i < halfBytes; i += 4) {
    const c = load<f32>(cosines + i), s = load<f32>(sines + i);
    const first = load<f32>(x + i), second = load<f32>(x + halfBytes + i);
    store<f32>(out + i, first * c - second * s);
    store<f32>(out + halfBytes + i, first * s + second * c);
  }
}

function rotateNeighbours(out: usize, x: usize, cosines: usize, halfBytes: usize): void {
  const sines = cosines + halfBytes;
  for (let i: usize = 0; i < halfBytes; i += 4, x += 8, out += 8) {
    const c = load<f32>(cosines + i), s = load<f32>(sines + i);
    const first = load<f32>(x), second = load<f32>(x, 4);
    store<f32>(out, first * c - second * s);
    store<f32>(out, first * s + second * c, 4);
  }
}
