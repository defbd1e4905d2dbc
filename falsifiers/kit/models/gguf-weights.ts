// Values of a trained GGUF file's tensors in double precision. What the blocks mean is said by the oracle's decoders of the
// types that are handed in, and no other: a claim that runs a model hangs on no other decoder. Nothing is kept: all of a
// model in double would be gigabytes.
import type { BlockSizes } from '../../../src/engine/formats/tensor-types/tensor-type.ts';
import { dequantizeBlocks, type BlockDequantizer } from '../../../src/oracles/float64/dequantize/dequantize-blocks.ts';
import type { TensorInFile } from './gguf-file.ts';

/** By GGUF's number of the type. */
export type Decoders = ReadonlyMap<number, readonly [BlockSizes, BlockDequantizer]>;

const F32 = 0;

/** Elements [first, first + count), which start and end with a block. */
export function valuesOfTensor(
  { name, typeId, elementCount, bytes }: TensorInFile,
  decoders: Decoders,
  first = 0,
  count: number = elementCount,
): Float64Array {
  if (typeId === F32) {
    return Float64Array.from(new Float32Array(Uint8Array.from(bytes.subarray(4 * first, 4 * (first + count))).buffer));
  }
  const [sizes, dequantizer] = decoders.get(typeId) ?? [];
  if (sizes === undefined || dequantizer === undefined) throw new Error(`${name} is of type ${typeId}`);
  const byteOf = (element: number): number => (element / sizes.blockElements) * sizes.blockBytes;
  return dequantizeBlocks(sizes, dequantizer, bytes.subarray(byteOf(first), byteOf(first + count)));
}
