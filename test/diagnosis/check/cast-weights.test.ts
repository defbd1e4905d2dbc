// Weights rounded to the type that an engine holds them in: the bits that PyTorch makes of them, and quantised ones as
// they are.
import { describe, expect, it } from 'vitest';
import { castWeights } from '../../../src/diagnosis/check/cast-weights.ts';
import type { WeightSource } from '../../../src/engine/program/executor.ts';

const VALUES = [1, -0, 1 / 3, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 65_520, 2 ** -24, 3e-39];

function source(type: 'f32' | 'q8_0'): WeightSource {
  const bytes = new Uint8Array(Float32Array.from(VALUES).buffer);
  return {
    info: (name) => ({ name, type, shape: [VALUES.length], byteLength: bytes.length }),
    read: async (_, byteOffset, into) => into.set(bytes.subarray(byteOffset, byteOffset + into.length)),
  };
}

async function castTo(storage: 'f16' | 'bf16', from = 0): Promise<number[]> {
  const weights = castWeights(source('f32'), storage);
  expect(weights.info('w')).toMatchObject({ type: storage, byteLength: 2 * VALUES.length });
  const into = new Uint8Array(2 * (VALUES.length - from));
  await weights.read('w', 2 * from, into);
  return [...new Uint16Array(into.buffer)];
}

describe('weights of an engine that computes in halves', () => {
  it('are rounded to nearest, ties to even, and keep subnormals and the sign of zero', async () => {
    expect((await castTo('bf16')).map((bits) => bits.toString(16))).toEqual([
      '3f80',
      '8000',
      '3eab',
      '3f80',
      '3f82',
      '4780',
      '3380',
      '21',
    ]);
    expect((await castTo('f16')).map((bits) => bits.toString(16))).toEqual([
      '3c00',
      '8000',
      '3555',
      '3c04',
      '3c0c',
      '7c00',
      '1',
      '0',
    ]);
  });

  it('are read from the middle as from the start', async () => {
    expect(await castTo('bf16', 3)).toEqual((await castTo('bf16')).slice(3));
  });

  it('are as they are stored where they are quantised, or where the engine computes in float32', () => {
    const quantized = source('q8_0');
    expect(castWeights(quantized, 'bf16').info('w')?.type).toBe('q8_0');
    expect(castWeights(quantized, 'f32')).toBe(quantized);
  });
});
