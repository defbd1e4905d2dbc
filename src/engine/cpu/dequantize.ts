// Stored bytes to f32, by the decoders that the matrix kernels multiply with. Exact for every type: bit for bit what
// ggml's own dequantiser gives (a NaN stays a NaN; its payload is not promised).
import { RefuteError } from '../../errors.ts';
import { KernelMemory } from './kernels/kernel-memory.ts';
import { MATMUL_KERNELS } from './kernels/matmul-kernels.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../formats/tensor-types.ts';

/** Decoded per call; every block size divides it. */
const SLICE_ELEMENTS = 262_144;

/** Decodes whole blocks; any number of rows of any tensor is a number of whole blocks. */
export async function decodeTensorRows(type: TensorTypeName, bytes: Uint8Array): Promise<Float32Array<ArrayBuffer>> {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  if (bytes.byteLength % blockBytes !== 0) {
    throw new RefuteError({
      code: 'E_PARTIAL_BLOCK',
      place: `${type} data`,
      is: `${bytes.byteLength} bytes are not a number of whole blocks`,
      allowed: `a block has ${blockBytes} bytes`,
    });
  }
  const memory = new KernelMemory();
  const sliceBlocks = SLICE_ELEMENTS / blockElements;
  const source = memory.allocate(sliceBlocks * blockBytes);
  const target = memory.allocate(SLICE_ELEMENTS * 4);
  const { decode } = await MATMUL_KERNELS[type].instantiate(memory.memory);
  const blockCount = bytes.byteLength / blockBytes;
  const decoded = new Float32Array(blockCount * blockElements);
  for (let first = 0; first < blockCount; first += sliceBlocks) {
    const count = Math.min(sliceBlocks, blockCount - first);
    const slice = bytes.subarray(first * blockBytes, (first + count) * blockBytes);
    memory.bytes(source, slice.byteLength).set(slice);
    decode(source, target, count);
    decoded.set(memory.floats(target, count * blockElements), first * blockElements);
  }
  return decoded;
}
