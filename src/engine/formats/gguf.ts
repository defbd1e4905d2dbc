// GGUF v2 and v3, little-endian: "GGUF" | version u32 | tensor count u64 | entry count u64 | entries | tensor list |
// padding to general.alignment | data. Reads the header only; every claim is checked before it is believed.
// Not the meaning of any key: that is config/config-from-gguf.ts.
import type { ByteSource } from '../io/byte-source.ts';
import { GgufCursor } from './gguf-cursor.ts';
import { DEFAULT_ALIGNMENT, MAX_ALIGNMENT, MAX_METADATA_ENTRIES, MAX_TENSORS } from './gguf-limits.ts';
import { placeTensors, readTensors, type GgufTensor } from './gguf-tensors.ts';
import { readEntries, type GgufEntry, type GgufValue } from './gguf-values.ts';
import { assertFormat } from './magic.ts';
import { shownValue } from './quoted.ts';

export type { GgufEntry };

export interface GgufFile {
  version: 2 | 3;
  alignment: number;
  /** Where the tensor data starts in the file. */
  dataOffset: number;
  /** In file order, with their types. */
  entries: readonly GgufEntry[];
  metadata: ReadonlyMap<string, GgufValue>;
  /** In file order. */
  tensors: readonly GgufTensor[];
  /** Metadata strings that are not UTF-8; their bytes are kept (byte-text.ts). */
  brokenStringCount: number;
}

/** An entry takes at least a key length, a type and one byte; a tensor a name length, a dimension count, type and offset. */
const MIN_ENTRY_BYTES = 8 + 4 + 1;
const MIN_TENSOR_BYTES = 8 + 4 + 4 + 8;

/**
 * Reads and checks a GGUF header.
 *
 * @throws RefuteError E_FORMAT (another format), E_GGUF_VERSION, E_GGUF_BYTE_ORDER, E_GGUF_TENSOR_COUNT,
 *   E_GGUF_ENTRY_COUNT, E_GGUF_ALIGNMENT, E_GGUF_TRUNCATED, and those of gguf-values.ts and gguf-tensors.ts
 */
export async function parseGguf(source: ByteSource): Promise<GgufFile> {
  await assertFormat(source, 'gguf');
  const cursor = new GgufCursor(source);
  await cursor.need(4 + 4 + 8 + 8, 'the fixed part of the header');
  cursor.bytes(4);
  const version = checkVersion(cursor, cursor.u32());
  const tensorCount = checkCount(cursor, cursor.u64(), {
    what: 'tensors',
    limit: MAX_TENSORS,
    minBytes: MIN_TENSOR_BYTES,
  });
  const entryCount = checkCount(cursor, cursor.u64(), {
    what: 'entries',
    limit: MAX_METADATA_ENTRIES,
    minBytes: MIN_ENTRY_BYTES,
  });

  const entries = await readEntries(cursor, entryCount);
  const metadata = new Map(entries.map(({ key, value }) => [key, value]));
  const alignment = checkAlignment(cursor, metadata.get('general.alignment'));
  const listed = await readTensors(cursor, tensorCount);
  const dataOffset = Math.ceil(cursor.byteOffset / alignment) * alignment;
  const tensors = placeTensors(cursor, listed, { dataOffset, alignment, fileLength: source.byteLength });
  return { version, alignment, dataOffset, entries, metadata, tensors, brokenStringCount: cursor.brokenStringCount };
}

function checkVersion(cursor: GgufCursor, version: number): 2 | 3 {
  if (version === 2 || version === 3) return version;
  if (version % 2 ** 24 === 0 && version >= 2 ** 24 && version <= 9 * 2 ** 24) {
    throw cursor.error('E_GGUF_BYTE_ORDER', 'the file is big-endian', { allowed: 'little-endian files are read' });
  }
  throw cursor.error('E_GGUF_VERSION', `the file is GGUF version ${version}`, {
    allowed: 'versions 2 and 3 are read',
    next: version === 1 ? 'Convert it with a current llama.cpp' : 'A newer version of this program may read it',
  });
}

function checkCount(
  cursor: GgufCursor,
  claimed: bigint,
  bounds: { what: 'tensors' | 'entries'; limit: number; minBytes: number },
): number {
  const { what, limit, minBytes } = bounds;
  const code = what === 'tensors' ? 'E_GGUF_TENSOR_COUNT' : 'E_GGUF_ENTRY_COUNT';
  if (claimed > BigInt(limit)) {
    throw cursor.error(code, `the header claims ${claimed} ${what}`, { allowed: `at most ${limit} are allowed` });
  }
  const count = Number(claimed);
  if (count * minBytes > cursor.remainingBytes) {
    throw cursor.error(code, `the header claims ${count} ${what}, the file has ${cursor.remainingBytes} bytes left`, {
      next: 'A download was probably cut short',
    });
  }
  return count;
}

function checkAlignment(cursor: GgufCursor, value: GgufValue | undefined): number {
  if (value === undefined) return DEFAULT_ALIGNMENT;
  const isPowerOfTwo =
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= 1 &&
    value <= MAX_ALIGNMENT &&
    MAX_ALIGNMENT % value === 0;
  if (isPowerOfTwo) return value;
  throw cursor.error('E_GGUF_ALIGNMENT', `general.alignment is ${shownValue(value)}`, {
    allowed: `it must be a power of two up to ${MAX_ALIGNMENT}`,
  });
}
