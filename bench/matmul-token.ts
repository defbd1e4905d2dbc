// Speed of the matrix product of one token, type by type, on matrices of SmolLM2-135M's feed-forward shape: many of them,
// read from memory, and one, from cache; beside the ceilings measured in the same run. `node bench/matmul-token.ts`; half
// a minute. The whole model: decode.ts.
import { MATMUL_KERNELS } from '../src/engine/cpu/kernels/matmul-kernels.ts';
import { KernelMemory } from '../src/engine/cpu/kernels/kernel-memory.ts';
import { byteLengthOf, TENSOR_TYPES, type TensorTypeName } from '../src/engine/formats/tensor-types.ts';
import { randomBlocks, randomFloats } from '../test/cases/random-blocks.ts';
import { bestOf } from './best-of.ts';
import { measureRoofline } from './roofline.ts';

const ROWS = 1536;
const COLUMNS = 768;
/** More than a cache holds. */
const MATRICES = 60;
const RUNS = 60;

const { flopsPerSecond, bytesPerSecond } = await measureRoofline();
console.log(
  `ceilings: ${(flopsPerSecond / 1e9).toFixed(1)} GFLOP/s, ${(bytesPerSecond / 1e9).toFixed(1)} GB/s; ns per 32 weights`,
);
console.log('type   from memory   from cache   memory/cache   arithmetic ceiling   reading ceiling');
for (const type of Object.keys(TENSOR_TYPES) as TensorTypeName[]) await report(type);

async function report(type: TensorTypeName): Promise<void> {
  const memory = new KernelMemory();
  const { matmul, scratchByteLength } = await MATMUL_KERNELS[type].instantiate(memory.memory);
  const matrixBytes = byteLengthOf(type, ROWS * COLUMNS);
  const weights = memory.allocate(matrixBytes * MATRICES);
  const [x, out] = [memory.allocate(4 * COLUMNS), memory.allocate(4 * ROWS)];
  const scratch = memory.allocate(scratchByteLength(1));
  memory.floats(x, COLUMNS).set(randomFloats(1, COLUMNS, 1));
  const matrix = randomBlocks(type, ROWS * COLUMNS, 2);
  for (let i = 0; i < MATRICES; i++) memory.bytes(weights + i * matrixBytes, matrixBytes).set(matrix);
  const multiply = (at: number): void => matmul(out, ROWS, x, at, ROWS, COLUMNS, 1, scratch);
  const streamed = bestOf(RUNS, () => {
    for (let i = 0; i < MATRICES; i++) multiply(weights + i * matrixBytes);
  });
  const cached = bestOf(RUNS * MATRICES, () => multiply(weights));
  const groups = (ROWS * COLUMNS) / 32;
  const cell = (value: number, width: number): string => value.toFixed(2).padStart(width);
  console.log(
    type.padEnd(6) +
      cell((streamed * 1e9) / groups / MATRICES, 12) +
      cell((cached * 1e9) / groups, 13) +
      cell(streamed / MATRICES / cached, 15) +
      cell((64 / flopsPerSecond) * 1e9, 21) +
      cell((byteLengthOf(type, ROWS * COLUMNS) / groups / bytesPerSecond) * 1e9, 18),
  );
}
