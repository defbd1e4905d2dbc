// Which experts a position goes through, with which shares, and the sum of what they answer.
//   moeSelect: the ids of the usedCount largest logits, largest first; of equal ones the lower id first.
//   moeRoute:  share_s = e^(l_s - max l) / D; D = Σ e^(l - max l) over the chosen, slot by slot, where isRenormalised,
//              else over all, id by id; both sums left to right from +0.
//   moeSum:    out[c] = Σ_s share_s · in[s, c], slots left to right from +0.
// Roundings: each difference, e^, sum, quotient and product.
import { exp4 } from './lib/exp.as';

/**
 * @param out    [rowCount, usedCount] f32, holding whole numbers
 * @param logits [rowCount, expertCount] f32
 */
export function moeSelect(out: usize, logits: usize, rowCount: i32, expertCount: i32, usedCount: i32): void {
  for (; rowCount > 0; rowCount--, out += <usize>usedCount << 2, logits += <usize>expertCount << 2) {
    for (let slot = 0; slot < usedCount; slot++) {
      let best = -1;
      for (let id = 0; id < expertCount; id++) {
        // Not greater: a NaN that comes first stays, so that an id is always one.
        if (isChosen(out, slot, id) || (best >= 0 && !(at(logits, id) > at(logits, best)))) continue;
        best = id;
      }
      store<f32>(out + (<usize>slot << 2), <f32>best);
    }
  }
}

function isChosen(ids: usize, count: i32, id: i32): bool {
  for (let slot = 0; slot < count; slot++) if (at(ids, slot) == <f32>id) return true;
  return false;
}

/**
 * @param out     [rowCount, usedCount] f32
 * @param logits  [rowCount, expertCount] f32
 * @param experts [rowCount, usedCount] f32, ids
 */
export function moeRoute(
  out: usize, logits: usize, experts: usize,
  rowCount: i32, expertCount: i32, usedCount: i32, isRenormalised: bool,
): void {
  const rowBytes = <usize>usedCount << 2;
  for (; rowCount > 0; rowCount--, out += rowBytes, experts += rowBytes, logits += <usize>expertCount << 2) {
    let largest = at(logits, 0);
    for (let id = 1; id < expertCount; id++) largest = max<f32>(largest, at(logits, id));
    let total: f32 = 0;
    if (!isRenormalised) for (let id = 0; id < expertCount; id++) total += power(at(logits, id) - largest);
    for (let slot = 0; slot < usedCount; slot++) {
      const share = power(at(logits, <i32>at(experts, slot)) - largest);
      if (isRenormalised) total += share;
      store<f32>(out + (<usize>slot << 2), share);
    }
    for (let slot = 0; slot < usedCount; slot++) store<f32>(out + (<usize>slot << 2), at(out, slot) / total);
  }
}

/**
 * @param out    [rowCount, channelCount] f32
 * @param x      [rowCount, usedCount, channelCount] f32
 * @param shares [rowCount, usedCount] f32
 */
export function moeSum(
  out: usize, x: usize, shares: usize, rowCount: i32, usedCount: i32, channelCount: i32,
): void {
  for (; rowCount > 0; rowCount--, shares += <usize>usedCount << 2, x += <usize>(usedCount * channelCount) << 2) {
    for (let channel = 0; channel < channelCount; channel++, out += 4) {
      let sum: f32 = 0;
      for (let slot = 0; slot < usedCount; slot++) sum += at(shares, slot) * at(x, slot * channelCount + channel);
      store<f32>(out, sum);
    }
  }
}

// @ts-ignore: decorator
@inline
function at(values: usize, index: i32): f32 {
  return load<f32>(values + (<usize>index << 2));
}

// @ts-ignore: decorator
@inline
function power(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}
