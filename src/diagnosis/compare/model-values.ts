// Compares the decoded weights of two models, tensor by tensor, in chunks of rows: two buffers of a few MiB whatever
// the models weigh. Two files that store a tensor in different types are compared by what they decode to.
import { dequantize } from '../../engine/cpu/dequantize.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../engine/formats/tensor-types.ts';
import type { FileTensor, Model } from '../../engine/model/model.ts';
import { isSameShape } from './models.ts';
import { TensorComparer, type TensorComparison } from './tensors.ts';

export interface TensorValues {
  name: string;
  typeA: string;
  typeB: string;
  shape: readonly number[];
  /** null where one of the types cannot be decoded here; then nothing is known about the values. */
  comparison: TensorComparison | null;
}

export interface ValuesOptions {
  /** Only tensors whose name contains this. */
  nameContains?: string | undefined;
  /** Divergences to keep per tensor. */
  limit: number;
  onProgress?: (name: string, done: number, total: number) => void;
}

/**
 * Every tensor that both models have with one shape, in A's order. A tensor that is missing or has another shape is
 * not here; `compareModels` lists it as a difference.
 */
export async function* compareModelValues(a: Model, b: Model, options: ValuesOptions): AsyncGenerator<TensorValues> {
  const othersByName = new Map(b.tensors.map((tensor) => [tensor.name, tensor]));
  const pairs = a.tensors.flatMap((tensor): [FileTensor, FileTensor][] => {
    const other = othersByName.get(tensor.name);
    const isWanted = tensor.name.includes(options.nameContains ?? '');
    return other !== undefined && isWanted && isSameShape(tensor.shape, other.shape) ? [[tensor, other]] : [];
  });
  for (const [i, [tensorA, tensorB]] of pairs.entries()) {
    options.onProgress?.(tensorA.name, i, pairs.length);
    yield {
      name: tensorA.name,
      typeA: tensorA.typeLabel,
      typeB: tensorB.typeLabel,
      shape: tensorA.shape,
      comparison: await comparePair(a, tensorA, b, tensorB, options.limit),
    };
  }
}

async function comparePair(
  a: Model,
  tensorA: FileTensor,
  b: Model,
  tensorB: FileTensor,
  limit: number,
): Promise<TensorComparison | null> {
  if (!isDecodable(tensorA) || !isDecodable(tensorB)) return null;
  const comparer = new TensorComparer(limit);
  const chunksB = storedChunks(b, tensorB);
  for await (const bytesA of storedChunks(a, tensorA)) {
    const next = await chunksB.next();
    if (next.done === true) break;
    const valuesA = await dequantize(tensorA.type, bytesA);
    // Most tensors of two related models are the same bytes; those need no second decoding.
    const isSameBytes = tensorA.type === tensorB.type && Buffer.compare(bytesA, next.value) === 0;
    if (isSameBytes) comparer.addEqual(valuesA);
    else comparer.add(valuesA, await dequantize(tensorB.type, next.value));
  }
  const comparison = comparer.finish();
  if (comparison.elementCount !== tensorA.elementCount) {
    throw new RangeError(`${tensorA.name}: ${comparison.elementCount} of ${tensorA.elementCount} elements came`);
  }
  return comparison;
}

interface DecodableTensor extends FileTensor {
  type: TensorTypeName;
  byteLength: number;
}

function isDecodable(tensor: FileTensor): tensor is DecodableTensor {
  return tensor.type !== null && tensor.byteLength !== null;
}

/** Decoded elements per chunk and side: 4 MiB of float32. Every block size divides it. */
const CHUNK_ELEMENTS = 1 << 20;

/** A tensor's bytes, `CHUNK_ELEMENTS` elements at a time (the last chunk fewer). Each chunk is a fresh array. */
async function* storedChunks(model: Model, tensor: DecodableTensor): AsyncGenerator<Uint8Array> {
  const { blockElements, blockBytes } = TENSOR_TYPES[tensor.type];
  const chunkBytes = (CHUNK_ELEMENTS / blockElements) * blockBytes;
  for (let byteOffset = 0; byteOffset < tensor.byteLength; byteOffset += chunkBytes) {
    const bytes = new Uint8Array(Math.min(chunkBytes, tensor.byteLength - byteOffset));
    await model.weights.read(tensor.name, byteOffset, bytes);
    yield bytes;
  }
}
