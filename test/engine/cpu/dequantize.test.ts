// decodeTensorRows, and so the decoders that the matrix kernels multiply with: recorded bits of the gguf package,
// every f16, the edges. The searches over any bit pattern are FALSIFY-QDEC-001 to -011.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MATMUL_KERNELS } from '../../../src/engine/cpu/kernels/matmul-kernels.ts';
import { decodeTensorRows } from '../../../src/engine/cpu/dequantize.ts';
import { decodeExact } from '../../../src/oracles/float64/decode/decode-exact.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import { GuardedMemory } from '../../../falsifiers/kit/judges/guarded-memory.ts';

const types = Object.keys(TENSOR_TYPES) as TensorTypeName[];
const vectors = new URL('../../../falsifiers/vectors/quant-decode/', import.meta.url);

/** Index of the first element whose 32 bits differ, any NaN being equal to any other; -1 for none. */
function firstDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Math.min(actual.length, expected.length);
  return actual.findIndex((value, i) => !Object.is(value, expected[i]));
}

describe.each(types)('decoding %s', (type) => {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];

  it.skipIf(type === 'f32')('gives the bits of the gguf package', async () => {
    const name = type.toUpperCase();
    const blocks = readFileSync(new URL(`${name}.blocks.bin`, vectors));
    const expected = new Uint8Array(readFileSync(new URL(`${name}.f32.bin`, vectors)));
    const decoded = await decodeTensorRows(type, blocks);
    expect(firstDifference(decoded, new Float32Array(expected.buffer))).toBe(-1);
    expect(decoded.length).toBeGreaterThan(0);
  });

  it('writes its own elements and nothing else', async () => {
    const memory = new GuardedMemory();
    const { decode } = await MATMUL_KERNELS[type].instantiate(memory.memory);
    for (const count of [1, 2, 3, 5, 8, 13]) {
      const out = memory.room(count * blockElements);
      decode(memory.put(new Uint8Array(count * blockBytes).fill(1)), out, count);
      expect(memory.read(out, count * blockElements).some(Number.isNaN)).toBe(false);
    }
    expect(memory.brokenGuards()).toEqual([]);
  });

  it.skipIf(blockBytes === 1)('refuses a part of a block', async () => {
    await expect(decodeTensorRows(type, new Uint8Array(2 * blockBytes - 1))).rejects.toMatchObject({
      code: 'E_PARTIAL_BLOCK',
    });
  });
});

describe('decoding f16', () => {
  it('is exact for each of the 65536 bit patterns, alone and among others', async () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const together = await decodeTensorRows('f16', new Uint8Array(all.buffer));
    expect(firstDifference(together, Float32Array.from(decodeExact('f16', new Uint8Array(all.buffer))))).toBe(-1);
    // Neighbours decide which path eight halves take; shifting by one gives each other neighbours.
    const shifted = await decodeTensorRows('f16', new Uint8Array(all.buffer.slice(2)));
    expect(firstDifference(shifted, together.subarray(1))).toBe(-1);
  });
});

describe('decoding a long tensor', () => {
  it('joins its slices without a seam', async () => {
    const bytes = Uint8Array.from({ length: 18 * 20_000 }, (_, i) => (i * 7919) >> 3);
    expect(firstDifference(await decodeTensorRows('q4_0', bytes), Float32Array.from(decodeExact('q4_0', bytes)))).toBe(
      -1,
    );
  });
});
