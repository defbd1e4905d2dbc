// out[t][i] = x[t][i] + bias[i], each sum rounded once.

/** @param x [rowCount, channelCount] f32; @param bias [channelCount] f32 */
export function addBias(out: usize, x: usize, bias: usize, channelCount: i32, rowCount: i32): void {
  for (; rowCount > 0; rowCount--) {
    let b = bias;
    for (const end = out + (<usize>(channelCount & ~3) << 2); out < end; out += 16, x += 16, b += 16) {
      v128.store(out, f32x4.add(v128.load(x), v128.load(b)));
    }
    for (let rest = channelCount & 3; rest > 0; rest--, out += 4, x += 4, b += 4) {
      store<f32>(out, load<f32>(x) + load<f32>(b));
    }
  }
}
