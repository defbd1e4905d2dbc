// out[t][i] = x[t][i] / sqrt(mean(x[t]²) + eps) · gain[i]
//
// Roundings: the sum of squares (order: lib/dot.as.ts), the division by the channel count, + eps, the root, its
// reciprocal, then two products: (x · reciprocal) · gain.
import { dot } from './lib/dot.as';

/**
 * @param out  [rowCount, channelCount] f32
 * @param x    [rowCount, channelCount] f32
 * @param gain [channelCount] f32
 */
export function rmsnorm(out: usize, x: usize, gain: usize, eps: f32, channelCount: i32, rowCount: i32): void {
  for (; rowCount > 0; rowCount--) {
    const scale: f32 = <f32>1 / sqrt<f32>(dot(x, x, channelCount) / <f32>channelCount + eps);
    const scale4 = f32x4.splat(scale);
    let g = gain;
    for (const end = out + (<usize>(channelCount & ~3) << 2); out < end; out += 16, x += 16, g += 16) {
      v128.store(out, f32x4.mul(f32x4.mul(v128.load(x), scale4), v128.load(g)));
    }
    for (let rest = channelCount & 3; rest > 0; rest--, out += 4, x += 4, g += 4) {
      store<f32>(out, load<f32>(x) * scale * load<f32>(g));
    }
  }
}
