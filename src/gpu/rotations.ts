// The tables of angles that a program's rotations share, for the positions of the present chunk: computed in double by the host and
// rounded once, because a shader's sine is not accurate enough.
import type { RopeParameters, WeightName } from '../engine/program/program.ts';
import { factorsWeight, ropeAmplitude, ropeFrequencies } from '../engine/program/rope-frequencies.ts';

interface Rotation {
  table: GPUBuffer;
  frequencies: Float64Array;
  amplitude: number;
}

export class Rotations {
  readonly #rotations = new Map<string, Rotation>();

  /** Once for each table that the program needs. */
  async add(
    rope: RopeParameters,
    { factors, contextLength }: { factors: ReadonlyMap<WeightName, Float32Array>; contextLength: number },
    createTable: (rotaryDim: number) => Promise<GPUBuffer>,
  ): Promise<void> {
    const key = keyOf(rope);
    if (this.#rotations.has(key)) return;
    const weight = factorsWeight(rope.scaling, contextLength);
    const frequencies = ropeFrequencies(rope, weight === null ? null : (factors.get(weight) ?? null), contextLength);
    const table = await createTable(rope.rotaryDim);
    this.#rotations.set(key, { table, frequencies, amplitude: ropeAmplitude(rope) });
  }

  tableOf(rope: RopeParameters): GPUBuffer {
    const rotation = this.#rotations.get(keyOf(rope));
    if (rotation === undefined) throw new RangeError('a rotation that was never added');
    return rotation.table;
  }

  write(queue: GPUQueue, firstPosition: number, count: number): void {
    for (const { table, frequencies, amplitude } of this.#rotations.values()) {
      queue.writeBuffer(table, 0, angles(frequencies, amplitude, firstPosition, count));
    }
  }
}

/** [positions, 2, pairs], cosines before sines. */
function angles(
  frequencies: Float64Array,
  amplitude: number,
  firstPosition: number,
  count: number,
): Float32Array<ArrayBuffer> {
  const pairs = frequencies.length;
  const table = new Float32Array(2 * pairs * count);
  for (let row = 0; row < count; row++) {
    for (const [pair, frequency] of frequencies.entries()) {
      const angle = (firstPosition + row) * frequency;
      table[2 * pairs * row + pair] = amplitude * Math.cos(angle);
      table[2 * pairs * row + pairs + pair] = amplitude * Math.sin(angle);
    }
  }
  return table;
}

/** Equal for rotations that share a table. */
function keyOf({ theta, rotaryDim, scaling }: RopeParameters): string {
  return JSON.stringify([theta, rotaryDim, scaling]);
}
