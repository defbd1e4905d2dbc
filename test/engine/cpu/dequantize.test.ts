// dequantize, and so the decoders that the matrix kernels multiply with: recorded bits of the gguf package, every f16,
// the edges. The searches over any bit pattern are those of FALSIFY-QDEC.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MATMUL_KERNELS } from '../../../src/engine/cpu/kernels/matmul-kernels.ts';
import { dequantize } from '../../../src/engine/cpu/dequantize.ts';
import { dequantizeExact } from '../../../src/oracles/float64/dequantize/dequantize-exact.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import { randomBlocks } from '../../cases/random-blocks.ts';
import { GuardedMemory } from '../../../falsifiers/kit/judges/guarded-memory.ts';

const types = Object.keys(TENSOR_TYPES) as TensorTypeName[];
const vectors = new URL('../../../falsifiers/vectors/quant-decode/', import.meta.url);

/** Index of the first element whose 32 bits differ, any NaN being equal to any other; -1 for none. */
function firstDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Math.min(actual.length, expected.length);
  return actual.findIndex((value, i) => !Object.is(value, expected[i]));
}

const exact = (type: TensorTypeName, bytes: Uint8Array): Float32Array =>
  Float32Array.from(dequantizeExact(type, bytes));

describe.each(types)('dequantizing %s', (type) => {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];

  // The package has no blocks of float32: its bits are the file's.
  if (type !== 'f32') {
    it('gives the bits of the gguf package', async () => {
      const name = type.toUpperCase();
      const blocks = readFileSync(new URL(`${name}.blocks.bin`, vectors));
      const expected = new Uint8Array(readFileSync(new URL(`${name}.f32.bin`, vectors)));
      const values = await dequantize(type, blocks);
      expect(firstDifference(values, new Float32Array(expected.buffer))).toBe(-1);
      expect(values.length).toBeGreaterThan(0);
    });
  }

  it('writes its own elements and nothing else', async () => {
    const memory = new GuardedMemory();
    const { dequantize: run } = await MATMUL_KERNELS[type].instantiate(memory.memory);
    for (const count of [1, 2, 3, 5, 8, 13]) {
      const out = memory.room(count * blockElements);
      run(memory.put(new Uint8Array(count * blockBytes).fill(1)), out, count);
      expect(memory.read(out, count * blockElements).some(Number.isNaN)).toBe(false);
    }
    expect(memory.brokenGuards()).toEqual([]);
  });

  it('refuses a part of a block', async () => {
    await expect(dequantize(type, new Uint8Array(2 * blockBytes - 1))).rejects.toMatchObject({
      code: 'E_PARTIAL_BLOCK',
    });
  });
});

describe('dequantizing f16', () => {
  it('is exact for each of the 65536 bit patterns, alone and among others', async () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const together = await dequantize('f16', new Uint8Array(all.buffer));
    expect(firstDifference(together, exact('f16', new Uint8Array(all.buffer)))).toBe(-1);
    // Neighbours decide which path eight halves take; shifting by one gives each other neighbours.
    const shifted = await dequantize('f16', new Uint8Array(all.buffer.slice(2)));
    expect(firstDifference(shifted, together.subarray(1))).toBe(-1);
  });
});

describe('dequantizing several tensors at once', () => {
  it('keeps them apart, though they share a memory', async () => {
    const tensors = types.flatMap((type, seed) =>
      [1, 2, 3].map((blocks) => {
        const bytes = randomBlocks(type, blocks * TENSOR_TYPES[type].blockElements, seed + blocks);
        return { bytes, type };
      }),
    );
    const values = await Promise.all(tensors.map(({ type, bytes }) => dequantize(type, bytes)));
    for (const [i, { type, bytes }] of tensors.entries()) {
      expect(firstDifference(values[i] ?? new Float32Array(0), exact(type, bytes))).toBe(-1);
    }
  });
});

describe('dequantizing a long tensor', () => {
  it('joins its slices without a seam', async () => {
    const bytes = Uint8Array.from({ length: 18 * 20_000 }, (_, i) => (i * 7919) >> 3);
    expect(firstDifference(await dequantize('q4_0', bytes), exact('q4_0', bytes))).toBe(-1);
  });
});
