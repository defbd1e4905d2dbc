// The keys and values of one attention op in double, every position from 0; grows with the sequence.

export class KeyValueCache {
  readonly #channelCount: number;
  #keys: Float64Array = new Float64Array(0);
  #values: Float64Array = new Float64Array(0);
  #positionCount = 0;

  /** @param channelCount kvHeadCount · headDim */
  constructor(channelCount: number) {
    this.#channelCount = channelCount;
  }

  /**
   * Positions from `firstPosition` on become these rows, and those behind them are forgotten: writing a chunk twice is
   * writing it once.
   *
   * @param keys [rows, channels]
   * @param values [rows, channels]
   * @throws RangeError where a position before `firstPosition` has never been written
   */
  write(firstPosition: number, keys: Float64Array, values: Float64Array): void {
    if (firstPosition > this.#positionCount) {
      throw new RangeError(`the cache holds ${this.#positionCount} positions, ${firstPosition} is written next`);
    }
    const start = firstPosition * this.#channelCount;
    this.#keys = withRoom(this.#keys, start + keys.length);
    this.#values = withRoom(this.#values, start + values.length);
    this.#keys.set(keys, start);
    this.#values.set(values, start);
    this.#positionCount = firstPosition + keys.length / this.#channelCount;
  }

  /** [positions, channels]; a view until the next write. */
  get keys(): Float64Array {
    return this.#keys.subarray(0, this.#positionCount * this.#channelCount);
  }

  /** [positions, channels]; a view until the next write. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#positionCount * this.#channelCount);
  }
}

function withRoom(array: Float64Array, length: number): Float64Array {
  if (array.length >= length) return array;
  const grown = new Float64Array(Math.max(length, 2 * array.length));
  grown.set(array);
  return grown;
}
