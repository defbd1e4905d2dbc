// Stored bytes to f32, by the decoders that the matrix kernels multiply with. Exact for every type: bit for bit what
// ggml's own dequantizer gives (a NaN stays a NaN; its payload is not promised).
import { TENSOR_TYPES, type TensorTypeName } from '../formats/tensor-types.ts';
import { blockCountOf } from '../formats/tensor-types/tensor-type.ts';
import { KernelMemory, type Pointer } from './kernels/kernel-memory.ts';
import { MATMUL_KERNELS } from './kernels/matmul-kernels.ts';
import type { MatmulFunctions } from './kernels/matmul.ts';

/** Dequantized per call of a kernel; every block size divides it. */
const SLICE_ELEMENTS = 262_144;
/** No type takes more for an element than f32 does. */
const SLICE_BYTES = 4 * SLICE_ELEMENTS;
/** Two slices, and the page in front of them. */
const MEMORY_BYTES = 2 * SLICE_BYTES + 65_536;

interface Workbench {
  memory: KernelMemory;
  source: Pointer;
  target: Pointer;
  kernels: Map<TensorTypeName, Promise<MatmulFunctions>>;
}

/** One for the process: it is used in one synchronous stretch at a time, so callers cannot meet in it. */
let workbench: Workbench | undefined;

/** Dequantizes whole blocks; any number of rows of any tensor is a number of whole blocks. */
export async function dequantize(type: TensorTypeName, bytes: Uint8Array): Promise<Float32Array<ArrayBuffer>> {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  const blockCount = blockCountOf(TENSOR_TYPES[type], bytes.byteLength);
  workbench ??= openWorkbench();
  const { memory, source, target, kernels } = workbench;
  const loading = kernels.get(type) ?? MATMUL_KERNELS[type].instantiate(memory.memory);
  kernels.set(type, loading);
  const kernel = await loading;
  const values = new Float32Array(blockCount * blockElements);
  const sliceBlocks = SLICE_ELEMENTS / blockElements;
  // Nothing below may wait: the memory is shared with every other call.
  for (let first = 0; first < blockCount; first += sliceBlocks) {
    const count = Math.min(sliceBlocks, blockCount - first);
    const slice = bytes.subarray(first * blockBytes, (first + count) * blockBytes);
    memory.bytes(source, slice.byteLength).set(slice);
    kernel.dequantize(source, target, count);
    values.set(memory.floats(target, count * blockElements), first * blockElements);
  }
  return values;
}

function openWorkbench(): Workbench {
  const memory = new KernelMemory(MEMORY_BYTES);
  return { memory, source: memory.allocate(SLICE_BYTES), target: memory.allocate(SLICE_BYTES), kernels: new Map() };
}
