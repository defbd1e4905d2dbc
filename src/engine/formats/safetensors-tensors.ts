// The tensor list of a safetensors header, and the proof that its tensors fill the data exactly: none outside, no two
// overlapping, no byte that belongs to none.
import { RefuteError } from '../../errors.ts';
import type { HeaderTensor } from './header-tensor.ts';
import { isJsonObject } from './json-file.ts';
import { quoted, shownValue } from './quoted.ts';
import { MAX_DIMENSIONS, MAX_NAME_CHARACTERS, MAX_TENSORS } from './safetensors-limits.ts';
import { SAFETENSORS_TYPES } from './safetensors-types.ts';
import type { JsonObject, JsonValue } from './strict-json.ts';

export interface SafetensorsTensor extends HeaderTensor {
  /** Every type of this format has a known length. */
  byteLength: number;
}

/** Where the data lies in the file. */
export interface DataRange {
  path: string;
  dataOffset: number;
  fileLength: number;
}

const KEYS: readonly string[] = ['dtype', 'shape', 'data_offsets'];

/**
 * @returns the tensors in file order
 * @throws RefuteError E_SAFETENSORS_TENSOR_COUNT, E_SAFETENSORS_NAME, E_SAFETENSORS_ENTRY, E_SAFETENSORS_SHAPE,
 *   E_SAFETENSORS_OFFSETS, E_SAFETENSORS_BYTES, and those of `checkLayout`
 */
export function readTensorList(entries: JsonObject, range: DataRange): SafetensorsTensor[] {
  if (entries.size > MAX_TENSORS) {
    const is = `the header lists ${entries.size} tensors`;
    throw refusal(range, 'E_SAFETENSORS_TENSOR_COUNT', is, `at most ${MAX_TENSORS} are allowed`);
  }
  const tensors = [...entries].map(([name, entry]) => readTensor(name, entry, range));
  // A tensor without elements may start where another one does.
  const inOrder = tensors.toSorted((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  checkLayout(inOrder, range);
  return inOrder;
}

function readTensor(name: string, entry: JsonValue, range: DataRange): SafetensorsTensor {
  const what = `tensor ${quoted(name)}`;
  if (name.length > MAX_NAME_CHARACTERS) {
    throw refusal(range, 'E_SAFETENSORS_NAME', `${what} has a name of ${name.length} characters`);
  }
  const broken = (is: string): RefuteError =>
    refusal(range, 'E_SAFETENSORS_ENTRY', `${what} ${is}`, 'dtype, shape and data_offsets are needed');
  if (!isJsonObject(entry)) throw broken('is not described by an object');
  const unknown = [...entry.keys()].find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw broken(`has the key ${quoted(unknown)}`);
  const dtype = entry.get('dtype');
  if (typeof dtype !== 'string') throw broken('has no dtype');

  const { shape, elementCount } = readShape(what, entry.get('shape'), range);
  const [begin, end] = readOffsets(what, entry.get('data_offsets'), range);
  const known = SAFETENSORS_TYPES.get(dtype);
  const wanted = known === undefined ? end - begin : (elementCount * known.bits) / 8;
  if (end - begin !== wanted) {
    throw refusal(
      range,
      'E_SAFETENSORS_BYTES',
      `${what} has ${end - begin} bytes`,
      `${elementCount} elements of ${dtype} make ${wanted}`,
    );
  }
  return {
    name,
    type: known?.type ?? null,
    typeLabel: known === undefined ? plainLabel(dtype) : dtype.toLowerCase(),
    shape,
    elementCount,
    byteOffset: range.dataOffset + begin,
    byteLength: end - begin,
  };
}

/** An unknown dtype is printed in messages, so it must be made safe for a terminal. */
function plainLabel(dtype: string): string {
  // In lower case it would be shown as the one it is not.
  return /^[A-Z\d_]{1,16}$/.test(dtype) ? dtype.toLowerCase() : quoted(dtype);
}

function readShape(
  what: string,
  value: JsonValue | undefined,
  range: DataRange,
): { shape: number[]; elementCount: number } {
  const wrong = (allowed: string): RefuteError =>
    refusal(range, 'E_SAFETENSORS_SHAPE', `the shape of ${what} is ${shownValue(value)}`, allowed);
  if (!Array.isArray(value)) throw wrong('a list of whole numbers is needed');
  if (value.length > MAX_DIMENSIONS) throw wrong(`at most ${MAX_DIMENSIONS} dimensions are allowed`);
  const shape: number[] = [];
  let elementCount = 1;
  for (const dimension of value as readonly JsonValue[]) {
    if (!isByteCount(dimension)) throw wrong('each dimension must be a whole number from 0 to 2^53');
    shape.push(dimension);
    elementCount *= dimension;
    // A later 0 would hide an overflow; no tensor has such a shape.
    if (!Number.isSafeInteger(elementCount * 8)) throw wrong('their product must stay below 2^50');
  }
  return { shape, elementCount };
}

function readOffsets(what: string, value: JsonValue | undefined, range: DataRange): [number, number] {
  const [begin, end, ...rest] = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  if (isByteCount(begin) && isByteCount(end) && rest.length === 0 && begin <= end) return [begin, end];
  throw refusal(
    range,
    'E_SAFETENSORS_OFFSETS',
    `the data_offsets of ${what} are ${shownValue(value)}`,
    'two whole numbers below 2^53 are needed, the first not above the second',
  );
}

function isByteCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** @throws RefuteError E_SAFETENSORS_PAST_END, E_SAFETENSORS_OVERLAP, E_SAFETENSORS_GAP */
function checkLayout(inOrder: readonly SafetensorsTensor[], range: DataRange): void {
  const { dataOffset, fileLength } = range;
  let covered = dataOffset;
  let last = 'the header';
  for (const { name, byteOffset, byteLength } of inOrder) {
    const what = `tensor ${quoted(name)}`;
    const end = byteOffset + byteLength;
    if (end > fileLength) {
      const is = `${what} ends at byte ${end}, the file has ${fileLength}`;
      throw refusal(range, 'E_SAFETENSORS_PAST_END', is, undefined, 'A download was probably cut short');
    }
    if (byteOffset < covered) {
      throw refusal(range, 'E_SAFETENSORS_OVERLAP', `${what} starts at byte ${byteOffset}, inside ${last}`);
    }
    if (byteOffset > covered) throw gap(range, covered, byteOffset, `between ${last} and ${what}`);
    covered = end;
    last = what;
  }
  if (covered < fileLength) throw gap(range, covered, fileLength, `behind ${last}`);
}

function gap(range: DataRange, from: number, to: number, where: string): RefuteError {
  const is = `bytes ${from} to ${to}, ${where}, belong to no tensor`;
  return refusal(range, 'E_SAFETENSORS_GAP', is, 'the tensors must fill the data');
}

function refusal({ path }: { path: string }, code: string, is: string, allowed?: string, next?: string): RefuteError {
  return new RefuteError({
    code,
    place: path,
    is,
    ...(allowed === undefined ? {} : { allowed }),
    ...(next === undefined ? {} : { next }),
  });
}
