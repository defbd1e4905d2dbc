// The tables of angles that a program's rotations share, for the positions of the present chunk: computed in double by the host and
// rounded once, because a shader's sine is not accurate enough.
import type { RopeParameters, WeightName } from '../engine/program/program.ts';
import { fillRopeTable } from '../engine/program/rope-table.ts';
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
      const angles = new Float32Array(2 * frequencies.length * count);
      fillRopeTable(angles, frequencies, firstPosition, amplitude);
      queue.writeBuffer(table, 0, angles);
    }
  }
}

/** Equal for rotations that share a table. */
function keyOf({ theta, rotaryDim, scaling }: RopeParameters): string {
  return JSON.stringify([theta, rotaryDim, scaling]);
}
