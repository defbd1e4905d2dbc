// The matrix kernels: against a float64 loop over the decoded weights, against the declared order of summation, and
// against themselves with other tile shapes.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MATMUL_KERNELS } from '../../../../src/engine/cpu/kernels/matmul-kernels.ts';
import { decodeTensorRows } from '../../../../src/engine/cpu/dequantize.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../../../src/engine/formats/tensor-types.ts';
import { declaredSum } from '../../../cases/declared-sum.ts';
import { GuardedMemory } from '../../../cases/guarded-memory.ts';
import { randomBlocks, randomFloats } from '../../../cases/random-blocks.ts';

const types = Object.keys(TENSOR_TYPES) as TensorTypeName[];
const UNIT_ROUNDOFF = 2 ** -24;

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
  // One token, and one row, at a time.
  const [singleOut, rowBytes] = [memory.room(tokenCount * rowCount), bytes.byteLength / rowCount];
  for (let t = 0; t < tokenCount; t++) {
    for (let r = 0; r < rowCount; r++) {
      const at = singleOut + 4 * (t * rowCount + r);
      matmul(at, rowCount, tokens + 4 * t * columnCount, weights + r * rowBytes, 1, columnCount, 1, scratch);
    }
  }
  const single = memory.read(singleOut, tokenCount * rowCount);
  return { product, single, x, w: await decodeTensorRows(type, bytes), brokenGuards: memory.brokenGuards() };
}

describe.each(types)('matmul with %s weights', (type) => {
  it('stays within 8u·Σ|w||x| of float64, whatever the shape, and writes only its output', async () => {
    await fc.assert(
      fc.asyncProperty(shapes(type), async (shape) => {
        const { product, x, w, brokenGuards } = await multiply(type, shape);
        const { rowCount, columnCount } = shape;
        for (const [index, value] of product.entries()) {
          const [token, row] = [Math.floor(index / rowCount), index % rowCount];
          let [exact, magnitude] = [0, 0];
          for (let c = 0; c < columnCount; c++) {
            const term = (w[row * columnCount + c] ?? 0) * (x[token * columnCount + c] ?? 0);
            exact += term;
            magnitude += Math.abs(term);
          }
          const isWithin = Math.abs(value - exact) <= 8 * UNIT_ROUNDOFF * magnitude;
          if (!isWithin) expect.fail(`row ${row}, token ${token}: ${value}, float64 says ${exact}`);
        }
        expect(brokenGuards).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('gives a row and a token the same bits in every tile', async () => {
    await fc.assert(
      fc.asyncProperty(shapes(type), async (shape) => {
        const { product, single } = await multiply(type, shape);
        expect(new Uint32Array(product.buffer)).toEqual(new Uint32Array(single.buffer));
      }),
      { numRuns: 25 },
    );
  });

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
      { numRuns: 10 },
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
