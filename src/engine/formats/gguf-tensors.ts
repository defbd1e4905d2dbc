// The tensor list of a GGUF header, and the proof that its tensors lie in the file, aligned and apart.
import type { GgufCursor } from './gguf-cursor.ts';
import { MAX_DIMENSIONS, MAX_TENSOR_NAME_BYTES } from './gguf-limits.ts';
import { storedType } from './gguf-types.ts';
import type { HeaderTensor } from './header-tensor.ts';
import { readString } from './gguf-values.ts';
import { quoted } from './quoted.ts';

export interface GgufTensor extends HeaderTensor {
  ggmlId: number;
}

/**
 * Reads `tensorCount` entries: name | dimension count | dimensions | type | offset from the start of the data. No
 * dimensions make a single number, a dimension of 0 a tensor without elements.
 * `byteOffset` still counts from the start of the data; `placeTensors` makes it count from the start of the file.
 *
 * @throws RefuteError E_GGUF_DUPLICATE_TENSOR, E_GGUF_DIMENSIONS, E_GGUF_DIMENSION, E_GGUF_BLOCKS,
 *   E_GGUF_TENSOR_OFFSET
 */
export async function readTensors(cursor: GgufCursor, tensorCount: number): Promise<GgufTensor[]> {
  const tensors: GgufTensor[] = [];
  const seen = new Set<string>();
  for (let i = 0; i < tensorCount; i += 1) {
    const name = await readString(cursor, MAX_TENSOR_NAME_BYTES, true, `the name of tensor ${i}`);
    if (seen.has(name)) throw cursor.error('E_GGUF_DUPLICATE_TENSOR', `tensor ${quoted(name)} occurs twice`);
    seen.add(name);
    tensors.push(await readTensor(cursor, name));
  }
  return tensors;
}

async function readTensor(cursor: GgufCursor, name: string): Promise<GgufTensor> {
  const what = `tensor ${quoted(name)}`;
  await cursor.need(4, what);
  const dimensionCount = cursor.u32();
  if (dimensionCount > MAX_DIMENSIONS) {
    throw cursor.error('E_GGUF_DIMENSIONS', `${what} has ${dimensionCount} dimensions`, {
      allowed: `up to ${MAX_DIMENSIONS} are allowed`,
    });
  }
  await cursor.need(dimensionCount * 8 + 4 + 8, what);
  const dimensions: number[] = [];
  let elementCount = 1;
  for (let i = 0; i < dimensionCount; i += 1) {
    const claimed = cursor.u64();
    const dimension = Number(claimed);
    elementCount *= dimension;
    if (!Number.isSafeInteger(dimension) || !Number.isSafeInteger(elementCount)) {
      throw cursor.error('E_GGUF_DIMENSION', `dimension ${i} of ${what} is ${claimed}`, {
        allowed: 'each must be below 2^53, and so must their product',
      });
    }
    dimensions.push(dimension);
  }
  const ggmlId = cursor.u32();
  const { type, label, block } = storedType(ggmlId);
  const rowElements = dimensions[0] ?? 1;
  if (block !== null && rowElements % block.elements !== 0) {
    throw cursor.error('E_GGUF_BLOCKS', `${what} has rows of ${rowElements} elements`, {
      allowed: `${label} stores blocks of ${block.elements}, which must fill a row`,
    });
  }
  const offset = cursor.u64();
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw cursor.error('E_GGUF_TENSOR_OFFSET', `${what} starts at byte ${offset} of the data`);
  }
  return {
    name,
    ggmlId,
    type,
    typeLabel: label,
    shape: dimensions.toReversed(),
    elementCount,
    byteOffset: Number(offset),
    byteLength: elementCount === 0 ? 0 : block === null ? null : (elementCount / block.elements) * block.bytes,
  };
}

/**
 * Moves offsets to the start of the file and checks the layout.
 *
 * @throws RefuteError E_GGUF_TENSOR_ALIGNMENT, E_GGUF_TENSOR_PAST_END, E_GGUF_TENSOR_OVERLAP
 */
export function placeTensors(
  cursor: GgufCursor,
  tensors: readonly GgufTensor[],
  layout: { dataOffset: number; alignment: number; fileLength: number },
): GgufTensor[] {
  const { dataOffset, alignment, fileLength } = layout;
  const placed = tensors.map((tensor) => ({ ...tensor, byteOffset: dataOffset + tensor.byteOffset }));
  for (const [i, tensor] of placed.entries()) {
    const relative = tensors[i]?.byteOffset ?? 0;
    if (relative % alignment !== 0) {
      throw cursor.error(
        'E_GGUF_TENSOR_ALIGNMENT',
        `tensor ${quoted(tensor.name)} starts at byte ${relative} of the data`,
        { allowed: `it must be a multiple of general.alignment, ${alignment}` },
      );
    }
    // Without bytes there is nothing that could lie outside of the file, or in another tensor.
    if (tensor.byteLength === 0) continue;
    const end = endOf(tensor);
    if (end > fileLength) {
      const is = `tensor ${quoted(tensor.name)} ends at byte ${end}, the file has ${fileLength}`;
      throw cursor.error('E_GGUF_TENSOR_PAST_END', is, { next: 'A download was probably cut short' });
    }
  }
  const filled = placed.filter(({ byteLength }) => byteLength !== 0);
  const inOrder = filled.toSorted((a, b) => a.byteOffset - b.byteOffset);
  for (const [i, tensor] of inOrder.entries()) {
    const next = inOrder[i + 1];
    if (next !== undefined && endOf(tensor) > next.byteOffset) {
      const is = `tensor ${quoted(next.name)} starts at byte ${next.byteOffset}, inside tensor ${quoted(tensor.name)}`;
      throw cursor.error('E_GGUF_TENSOR_OVERLAP', is);
    }
  }
  return placed;
}

/** A tensor of unknown layout takes at least one byte. */
function endOf(tensor: GgufTensor): number {
  return tensor.byteOffset + (tensor.byteLength ?? 1);
}
