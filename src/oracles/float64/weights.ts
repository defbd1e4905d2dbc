// Weights as doubles, a block of rows at a time: a matrix is read, decoded, multiplied and dropped piece by piece, so
// a model never needs its weights in memory, and pays with reading them again in every run.
import { RefuteError } from '../../errors.ts';
import type { WeightInfo, WeightSource } from '../../engine/program/executor.ts';
import type { WeightName } from '../../engine/program/program.ts';
import { elementCountOf, TENSOR_TYPES } from '../../engine/formats/tensor-types.ts';
import { dequantizeExact } from './dequantize/dequantize-exact.ts';

/** Decoded at a time, 256 KiB of doubles, which stay in a core's cache while every position meets them; one row at least. */
const BLOCK_ELEMENTS = 2 ** 15;

/** Read at a time: a call for every piece that is decoded would be slow. */
const READ_BYTES = 2 ** 22;

export interface DecodedRows {
  firstRow: number;
  rowCount: number;
  /** [rowCount, columnCount], exact. Good until the next rows are asked for, which take its place. */
  values: Float64Array;
}

/** All rows in order. @throws RefuteError E_PROGRAM_WEIGHT where rows of `columnCount` are not what is stored */
export async function* decodedRows(
  weights: WeightSource,
  name: WeightName,
  columnCount: number,
): AsyncGenerator<DecodedRows, void, void> {
  const { info, rowCount, rowBytes } = layoutOf(weights, name, columnCount);
  const rowsAtATime = Math.min(rowCount, Math.max(1, Math.floor(BLOCK_ELEMENTS / columnCount)));
  // New arrays for each would be most of the work.
  const decoded = new Float64Array(rowsAtATime * columnCount);
  const read = new Uint8Array(Math.max(rowBytes, Math.min(READ_BYTES, rowCount * rowBytes)));
  let [readFrom, readTo] = [0, 0];
  for (let firstRow = 0; firstRow < rowCount; firstRow += rowsAtATime) {
    const count = Math.min(rowsAtATime, rowCount - firstRow);
    if (firstRow + count > readTo) {
      readFrom = firstRow;
      readTo = Math.min(rowCount, firstRow + Math.max(count, Math.floor(read.byteLength / rowBytes)));
      await weights.read(name, readFrom * rowBytes, read.subarray(0, (readTo - readFrom) * rowBytes));
    }
    const bytes = read.subarray((firstRow - readFrom) * rowBytes, (firstRow - readFrom + count) * rowBytes);
    const values = dequantizeExact(info.type, bytes, decoded.subarray(0, count * columnCount));
    yield { firstRow, rowCount: count, values };
  }
}

/**
 * Rows [firstRow, firstRow + rowCount) of a matrix as [rowCount, columnCount]. @throws RefuteError E_PROGRAM_WEIGHT
 */
export async function readRows(
  weights: WeightSource,
  name: WeightName,
  columnCount: number,
  firstRow: number,
  rowCount: number,
): Promise<Float64Array> {
  const { info, rowBytes } = layoutOf(weights, name, columnCount);
  const bytes = new Uint8Array(rowCount * rowBytes);
  await weights.read(name, firstRow * rowBytes, bytes);
  return dequantizeExact(info.type, bytes);
}

/** A gain, a bias, a list of factors. @throws RefuteError E_PROGRAM_WEIGHT where it has another length */
export async function readVector(weights: WeightSource, name: WeightName, length: number): Promise<Float64Array> {
  const { rowCount } = layoutOf(weights, name, length);
  if (rowCount !== 1) throw weightError(name, `it has ${rowCount * length} elements`, `${length} are read`);
  return readRows(weights, name, length, 0, 1);
}

/** How rows of `columnCount` elements lie in the stored bytes. @throws RefuteError E_PROGRAM_WEIGHT */
export function layoutOf(
  weights: WeightSource,
  name: WeightName,
  columnCount: number,
): { info: WeightInfo; rowCount: number; rowBytes: number } {
  const info = weights.info(name);
  if (info === undefined) throw weightError(name, 'the model has no such weight');
  if (!Object.hasOwn(TENSOR_TYPES, info.type)) {
    throw weightError(name, `its type is ${info.type}`, `${Object.keys(TENSOR_TYPES).join(', ')} can be decoded`);
  }
  const { blockElements, blockBytes } = TENSOR_TYPES[info.type];
  const rowCount = elementCountOf(info.shape) / columnCount;
  if (!Number.isSafeInteger(rowCount)) {
    throw weightError(name, `its shape is [${info.shape.join(', ')}]`, `the op reads rows of ${columnCount}`);
  }
  if (columnCount % blockElements !== 0) {
    throw weightError(
      name,
      `its rows have ${columnCount} columns`,
      `${info.type} needs a multiple of ${blockElements}`,
    );
  }
  const rowBytes = (columnCount / blockElements) * blockBytes;
  if (info.byteLength !== rowCount * rowBytes) {
    throw weightError(name, `it has ${info.byteLength} bytes`, `its shape and type make ${rowCount * rowBytes}`);
  }
  return { info, rowCount, rowBytes };
}

function weightError(name: WeightName, is: string, allowed?: string): RefuteError {
  return new RefuteError({ code: 'E_PROGRAM_WEIGHT', place: `weight ${name}`, is, ...(allowed && { allowed }) });
}
