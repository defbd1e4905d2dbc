// Weights held in memory, given as bytes or as numbers: what a test hands to an op or an executor.
import type { WeightInfo, WeightSource } from '../../../src/engine/program/executor.ts';
import type { WeightName } from '../../../src/engine/program/program.ts';
import type { TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';

export interface MemoryWeight {
  shape: number[];
  /** f32 unless given. */
  type?: TensorTypeName;
  /** Bytes as stored, or numbers that become f32. */
  data: Uint8Array | readonly number[] | Float32Array;
}

export function memoryWeights(entries: Readonly<Record<WeightName, MemoryWeight>>): WeightSource {
  const bytes = new Map(Object.entries(entries).map(([name, { data }]) => [name, bytesOf(data)]));
  return {
    info(name): WeightInfo | undefined {
      const entry = entries[name];
      if (entry === undefined) return undefined;
      return { name, type: entry.type ?? 'f32', shape: entry.shape, byteLength: bytes.get(name)?.byteLength ?? 0 };
    },
    async read(name, byteOffset, into) {
      const stored = bytes.get(name);
      if (stored === undefined || byteOffset + into.byteLength > stored.byteLength) throw new Error(`read of ${name}`);
      into.set(stored.subarray(byteOffset, byteOffset + into.byteLength));
    },
  };
}

function bytesOf(data: MemoryWeight['data']): Uint8Array {
  return data instanceof Uint8Array ? data : new Uint8Array(Float32Array.from(data).buffer);
}
