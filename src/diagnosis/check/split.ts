// The global difference of a value, E − O = (R − O) + (S − R) + (E − S): weight quantisation, declared formats, and
// what is left. Display numbers (cosine, NMSE, largest difference) and shares; none of them decides anything.

import type { FloatArray } from '../../engine/program/executor.ts';

/** `base`: the original weights where they are at hand, else the float64 run over the engine's own weights. */
export interface Split {
  cosine: number | null;
  nmse: number | null;
  maxAbsDiff: number;
  /** Fractions of Σ(R−O)² + Σ(S−R)² + Σ(E−S)²; null where there are no original weights, or no difference. */
  shares: { weightQuantization: number; declaredFormats: number; residual: number } | null;
  /** √(Σ(E−S)² / ΣS²): what the engine itself has added since the first op. */
  residualRms: number | null;
}

export class SplitTally {
  readonly #hasOriginal: boolean;
  #ee = 0;
  #bb = 0;
  #eb = 0;
  #dd = 0;
  #max = 0;
  #quantization = 0;
  #formats = 0;
  #residual = 0;
  #ss = 0;

  constructor(hasOriginal: boolean) {
    this.#hasOriginal = hasOriginal;
  }

  add(engine: FloatArray, s: Float64Array, r: Float64Array, original: Float64Array | null): void {
    const base = original ?? r;
    for (let i = 0; i < engine.length; i += 1) {
      const [e, sv, rv, b] = [engine[i] ?? 0, s[i] ?? 0, r[i] ?? 0, base[i] ?? 0];
      const difference = e - b;
      this.#ee += e * e;
      this.#bb += b * b;
      this.#eb += e * b;
      this.#dd += difference * difference;
      this.#max = Math.max(this.#max, Math.abs(difference));
      this.#quantization += (rv - b) * (rv - b);
      this.#formats += (sv - rv) * (sv - rv);
      this.#residual += (e - sv) * (e - sv);
      this.#ss += sv * sv;
    }
  }

  finish(): Split {
    const total = this.#quantization + this.#formats + this.#residual;
    const hasShares = this.#hasOriginal && total > 0;
    return {
      cosine: this.#ee > 0 && this.#bb > 0 ? this.#eb / Math.sqrt(this.#ee * this.#bb) : null,
      nmse: this.#bb > 0 ? this.#dd / this.#bb : null,
      maxAbsDiff: this.#max,
      shares: hasShares
        ? {
            weightQuantization: this.#quantization / total,
            declaredFormats: this.#formats / total,
            residual: this.#residual / total,
          }
        : null,
      residualRms: this.#ss > 0 ? Math.sqrt(this.#residual / this.#ss) : null,
    };
  }
}
