// The matrix kernels: bit for bit in the declared order of summation, whatever the tile. FALSIFY-MATM-001 to -011 hold
// the distance from float64, and a token alone against its batch.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GuardedMemory } from '../../../../falsifiers/kit/judges/guarded-memory.ts';
import { MATMUL_KERNELS } from '../../../../src/engine/cpu/kernels/matmul-kernels.ts';
import { dequantize } from '../../../../src/engine/cpu/dequantize.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../../../src/engine/formats/tensor-types.ts';
import { declaredSum } from '../../../cases/declared-sum.ts';
import { randomBlocks, randomFloats } from '../../../cases/random-blocks.ts';

const types = Object.keys(TENSOR_TYPES) as TensorTypeName[];

interface Shape {
  rowCount: number;
  columnCount: number;
  tokenCount: number;
  seed: number;
}

/** Shapes that cross every tile edge: 8 rows, 2 tokens, 4 lanes, 256 columns, and the type's own block. */
function shapes(type: TensorTypeName): fc.Arbitrary<Shape> {
  const { blockElements } = TENSOR_TYPES[type];
  const columns =
    blockElements === 1
      ? fc.constantFrom(1, 2, 3, 4, 31, 33, 127, 129, 255, 256, 257, 259, 511, 640)
      : fc.integer({ min: 1, max: 768 / blockElements }).map((blocks) => blocks * blockElements);
  return fc.record({
    rowCount: fc.constantFrom(1, 2, 7, 8, 9, 16, 19),
    columnCount: columns,
    tokenCount: fc.constantFrom(1, 2, 3, 4, 7),
    seed: fc.nat(),
  });
}

async function multiply(type: TensorTypeName, { rowCount, columnCount, tokenCount, seed }: Shape) {
  const memory = new GuardedMemory();
  const { matmul, scratchByteLength } = await MATMUL_KERNELS[type].instantiate(memory.memory);
  const bytes = randomBlocks(type, rowCount * columnCount, seed);
  const x = randomFloats(seed + 1, tokenCount * columnCount, 1);
  const [out, weights, tokens] = [memory.room(tokenCount * rowCount), memory.put(bytes), memory.put(x)];
  const scratch = memory.room(scratchByteLength(tokenCount) / 4);
  matmul(out, rowCount, tokens, weights, rowCount, columnCount, tokenCount, scratch);
  const product = memory.read(out, tokenCount * rowCount);
  expect(memory.brokenGuards()).toEqual([]);
  return { product, x, w: await dequantize(type, bytes) };
}

describe.each(types)('matmul with %s weights', (type) => {
  it('sums in the declared order', async () => {
    await fc.assert(
      fc.asyncProperty(shapes(type), async (shape) => {
        const { product, x, w } = await multiply(type, shape);
        const { rowCount, columnCount } = shape;
        const declared = product.map((_, index) => {
          const [token, row] = [Math.floor(index / rowCount), index % rowCount];
          const slice = (of: Float32Array, at: number): Float32Array =>
            of.subarray(at * columnCount, (at + 1) * columnCount);
          return declaredSum(slice(w, row), slice(x, token));
        });
        expect(product).toEqual(declared);
      }),
      { numRuns: 25 },
    );
  });
});

describe('matmul', () => {
  it('writes a slice of rows into rows of another stride', async () => {
    const memory = new GuardedMemory();
    const { matmul, scratchByteLength } = await MATMUL_KERNELS.f32.instantiate(memory.memory);
    const out = memory.put(new Float32Array(6));
    const weights = memory.put(Float32Array.of(1, 2, 3, 4));
    const x = memory.put(Float32Array.of(1, 1, 10, 100));
    matmul(out + 4, 3, x, weights, 2, 2, 2, memory.room(scratchByteLength(2) / 4));
    expect([...memory.read(out, 6)]).toEqual([0, 3, 7, 0, 210, 430]);
  });

  it('lets NaN and infinity through', async () => {
    const memory = new GuardedMemory();
    const { matmul, scratchByteLength } = await MATMUL_KERNELS.f32.instantiate(memory.memory);
    const [out, weights] = [memory.room(3), memory.put(new Float32Array(15).fill(1))];
    const x = memory.put(Float32Array.of(1, Number.NaN, 0, 0, 0, 0, 0, Infinity, 0, 0, 1, 2, 3, 4, 5));
    matmul(out, 1, x, weights, 1, 5, 3, memory.room(scratchByteLength(3) / 4));
    expect([...memory.read(out, 3)]).toEqual([Number.NaN, Infinity, 15]);
  });
});
