// One draw of how far declared roundings may carry a run: activations are rounded as the format rounds them, but each
// error has a sign of its own by chance, and every op's result is pushed by its expected budget (Monte-Carlo arithmetic).
// Two draws are as far from exact as an engine of this profile is, in directions of their own.
import { RandomSource } from '../../engine/text/random-source.ts';
import type { ValueId } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { quantizeActivations } from '../reference/activations.ts';
import { Lane } from '../reference/lane.ts';
import type { ActivationFormat, ParityProfile } from './profiles.ts';

export class SampleLane extends Lane {
  readonly profile: ParityProfile;
  /** Of the matmul that is next. */
  format: ActivationFormat = 'float';
  readonly #random: RandomSource;
  #bits = 0;
  #bitCount = 0;

  constructor(weights: WeightSource, profile: ParityProfile, seed: number) {
    super(weights, { activations: 'float', kvCache: profile.arithmetic.kvCache });
    this.profile = profile;
    this.#random = new RandomSource(seed);
  }

  override matmulInput(value: ValueId): { x: Float64Array; steps: null } {
    const { x } = super.matmulInput(value);
    if (this.format === 'float') return { x, steps: null };
    const rounded = round(x, this.format);
    return { x: x.map((exact, i) => exact + this.sign() * ((rounded[i] ?? Number.NaN) - exact)), steps: null };
  }

  /** In place. @param budget how far an element may be off */
  push(data: Float64Array, budget: (i: number) => number): void {
    for (let i = 0; i < data.length; i += 1) data[i] = (data[i] ?? Number.NaN) + this.sign() * budget(i);
  }

  /** 1 or −1. */
  sign(): 1 | -1 {
    if (this.#bitCount === 0) {
      this.#bits = this.#random.nextUint32();
      this.#bitCount = 32;
    }
    this.#bitCount -= 1;
    return ((this.#bits >>> this.#bitCount) & 1) === 0 ? 1 : -1;
  }
}

function round(x: Float64Array, format: Exclude<ActivationFormat, 'float'>): Float64Array {
  if (format === 'f16') return x.map(Math.f16round);
  if (format === 'bf16') return x.map(bf16round);
  return quantizeActivations(x, format).values;
}

/** To the 8 significant bits of a bfloat16. */
function bf16round(value: number): number {
  if (value === 0) return 0;
  const step = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 7);
  return Math.round(value / step) * step;
}
