// safetensors: header length u64 LE | JSON header, padded with spaces | data. The header names each tensor's dtype,
// shape and [begin, end) in the data. Reads the header only; every claim is checked before it is believed.
import { RefuteError } from '../../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { isJsonObject } from './json-file.ts';
import { assertFormat } from './magic.ts';
import { MAX_HEADER_BYTES, MAX_HEADER_DEPTH, MAX_HEADER_VALUES } from './safetensors-limits.ts';
import { readTensorList, type SafetensorsTensor } from './safetensors-tensors.ts';
import { parseStrictJson, type JsonObject, type JsonValue } from './strict-json.ts';

export interface SafetensorsFile {
  /** Where the tensor data starts in the file. */
  dataOffset: number;
  /** What the header says under `__metadata__`. */
  metadata: ReadonlyMap<string, string>;
  /** In file order. */
  tensors: readonly SafetensorsTensor[];
}

const LENGTH_BYTES = 8;
const METADATA_KEY = '__metadata__';

/**
 * Reads and checks a safetensors header.
 *
 * @throws RefuteError E_FORMAT (another format), E_SAFETENSORS_HEADER_LENGTH, E_SAFETENSORS_TRUNCATED,
 *   E_SAFETENSORS_UTF8, E_SAFETENSORS_METADATA, those of parseStrictJson and of safetensors-tensors.ts
 */
export async function parseSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const { path, byteLength: fileLength } = source;
  const bytes = await readHeader(source);
  const header = parseHeader(path, bytes);
  const entries = new Map(header);
  entries.delete(METADATA_KEY);
  const dataOffset = LENGTH_BYTES + bytes.byteLength;
  return {
    dataOffset,
    metadata: readMetadata(path, header.get(METADATA_KEY)),
    tensors: readTensorList(entries, { path, dataOffset, fileLength }),
  };
}

async function readHeader(source: ByteSource): Promise<Uint8Array> {
  const start = new Uint8Array(Math.min(LENGTH_BYTES + 1, source.byteLength));
  await source.read(0, start);
  // Throws unless the JSON starts here, naming what the file is instead.
  if (start[LENGTH_BYTES] !== 0x7b) await assertFormat(source, 'safetensors');
  const claimed = new DataView(start.buffer).getBigUint64(0, true);
  if (claimed > BigInt(MAX_HEADER_BYTES)) {
    const is = `the header claims ${claimed} bytes`;
    const allowed = `at most ${MAX_HEADER_BYTES} are allowed`;
    throw new RefuteError({ code: 'E_SAFETENSORS_HEADER_LENGTH', place: source.path, is, allowed });
  }
  const bytesLeft = source.byteLength - LENGTH_BYTES;
  if (claimed > BigInt(bytesLeft)) {
    const is = `the header claims ${claimed} bytes, the file has ${bytesLeft} left`;
    const next = 'A download was probably cut short';
    throw new RefuteError({ code: 'E_SAFETENSORS_TRUNCATED', place: source.path, is, next });
  }
  const bytes = new Uint8Array(Number(claimed));
  await source.read(LENGTH_BYTES, bytes);
  return bytes;
}

function parseHeader(path: string, bytes: Uint8Array): JsonObject {
  const place = `${path}: header`;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new RefuteError({ code: 'E_SAFETENSORS_UTF8', place, is: 'it is not UTF-8' });
  }
  const value = parseStrictJson(text, { place, maxDepth: MAX_HEADER_DEPTH, maxValues: MAX_HEADER_VALUES });
  if (isJsonObject(value)) return value;
  throw new RefuteError({ code: 'E_JSON_OBJECT', place, is: 'its value is not an object' });
}

function readMetadata(path: string, value: JsonValue | undefined): ReadonlyMap<string, string> {
  if (value === undefined || value === null) return new Map();
  const entries = isJsonObject(value) ? [...value] : [['', null] as const];
  const isText = (entry: readonly [string, JsonValue]): entry is [string, string] => typeof entry[1] === 'string';
  if (entries.every(isText)) return new Map(entries);
  const is = `${METADATA_KEY} holds something else than text by name`;
  throw new RefuteError({ code: 'E_SAFETENSORS_METADATA', place: path, is, allowed: 'the format has text only' });
}
