// One draw of how far declared roundings may carry a run: activations are rounded as the format rounds them, but each
// error has a sign of its own by chance, and every op's result is pushed by its expected budget (Monte-Carlo
// arithmetic). Two draws are as far from exact as an engine of this profile is, in directions of their own.
import { RandomSource } from '../../engine/text/random-source.ts';
import type { TensorTypeName } from '../../engine/formats/tensor-types.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { activationFormat } from '../../engine/program/numeric-profile.ts';
import type { ValueId } from '../../engine/program/program.ts';
import { roundActivations } from '../reference/activations.ts';
import { Lane, type Formats } from '../reference/lane.ts';

export class SampleLane extends Lane {
  readonly #formats: Formats;
  readonly #random: RandomSource;
  #bits = 0;
  #bitCount = 0;

  constructor(weights: WeightSource, formats: Formats, seed: number) {
    super(weights, formats);
    this.#formats = formats;
    this.#random = new RandomSource(seed);
  }

  override matmulInput(value: ValueId, weightType: TensorTypeName | undefined): { x: Float64Array; steps: null } {
    const x = this.get(value);
    if (x === undefined) throw new RangeError(`${value} is not there`);
    const format = activationFormat(this.#formats, weightType);
    if (format === null) return { x, steps: null };
    const { values } = roundActivations(x, format);
    return { x: x.map((exact, i) => exact + this.sign() * ((values[i] ?? Number.NaN) - exact)), steps: null };
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
