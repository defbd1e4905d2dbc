// Statistics of a tensor that arrives in pieces. Sums in float64.
import type { FloatArray } from '../program/executor.ts';

export interface TensorStatistics {
  count: number;
  /** Mean, std and rms are over the finite elements; NaN where there is none. std divides by the count. */
  mean: number;
  std: number;
  rms: number;
  /** Over everything but NaN, so an infinity shows; NaN where nothing else is there. */
  min: number;
  max: number;
  nanCount: number;
  infCount: number;
  /** Of either sign. */
  zeroCount: number;
}

export class StatisticsBuilder {
  #count = 0;
  #finiteCount = 0;
  #mean = 0;
  /** Σ (x − mean)² over the finite elements. */
  #squares = 0;
  #min = Infinity;
  #max = -Infinity;
  #nanCount = 0;
  #infCount = 0;
  #zeroCount = 0;

  /** Takes the next elements; they are not kept. */
  add(data: FloatArray): void {
    this.#count += data.length;
    let finiteCount = 0;
    let sum = 0;
    for (const x of data) {
      if (Number.isNaN(x)) {
        this.#nanCount += 1;
        continue;
      }
      if (x < this.#min) this.#min = x;
      if (x > this.#max) this.#max = x;
      if (x === Infinity || x === -Infinity) {
        this.#infCount += 1;
        continue;
      }
      if (x === 0) this.#zeroCount += 1;
      finiteCount += 1;
      sum += x;
    }
    if (finiteCount === 0) return;
    const mean = sum / finiteCount;
    let squares = 0;
    for (const x of data) if (Number.isFinite(x)) squares += (x - mean) ** 2;
    // Two samples' means and squares make those of both (Chan, Golub and LeVeque 1979).
    const difference = mean - this.#mean;
    const total = this.#finiteCount + finiteCount;
    this.#squares += squares + difference ** 2 * ((this.#finiteCount * finiteCount) / total);
    this.#mean += difference * (finiteCount / total);
    this.#finiteCount = total;
  }

  finish(): TensorStatistics {
    const n = this.#finiteCount;
    const variance = this.#squares / n;
    const hasOrder = this.#count > this.#nanCount;
    return {
      count: this.#count,
      mean: n === 0 ? Number.NaN : this.#mean,
      std: Math.sqrt(variance),
      rms: n === 0 ? Number.NaN : Math.sqrt(this.#mean ** 2 + variance),
      min: hasOrder ? this.#min : Number.NaN,
      max: hasOrder ? this.#max : Number.NaN,
      nanCount: this.#nanCount,
      infCount: this.#infCount,
      zeroCount: this.#zeroCount,
    };
  }
}

/** Of one tensor at once. */
export function statisticsOf(data: FloatArray): TensorStatistics {
  const builder = new StatisticsBuilder();
  builder.add(data);
  return builder.finish();
}
