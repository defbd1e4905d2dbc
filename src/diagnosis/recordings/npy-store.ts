// A folder of NumPy's .npy files, one per tensor, named by their paths. A file: "\x93NUMPY" | version (2) | header
// length (u16 or u32 LE) | a Python dict as text | data. Little-endian floats in C order are read; everything else
// is refused by name. Header and size are checked before they are believed.
import { RefuteError } from '../../errors.ts';
import type { ManifestHead } from '../../engine/capture/manifest.ts';
import type { ByteSource } from '../../engine/io/byte-source.ts';
import type { Files } from '../../engine/io/files.ts';
import { sha256Bytes, sha256Source } from '../../engine/io/sha256.ts';
import { FLOAT_BYTES, readFloats } from './floats.ts';
import type { StoredFloat, TensorStore } from './recording.ts';
import { withFile } from './with-file.ts';

/** @param names paths within the folder. @throws RefuteError E_NPY */
export async function npyStore(
  files: Files,
  folder: string,
  names: readonly string[],
  manifest: ManifestHead | null,
): Promise<TensorStore> {
  const byName = new Map<string, NpyHeader & { path: string }>();
  for (const name of names) {
    const path = await files.pathIn(folder, name);
    const header = await withFile(files, path, readNpyHeader);
    byName.set(name.replaceAll('\\', '/').replace(/\.npy$/, ''), { path, ...header });
  }
  return {
    form: '.npy',
    manifest,
    tensors: byName,
    read: async (name) => {
      const array = byName.get(name);
      if (array === undefined) throw new RangeError(`${folder} has no ${name}`);
      const { path, shape, dtype } = array;
      return { shape, data: await withFile(files, path, (source) => readFloats(source, array, path)), dtype };
    },
    digest: async () => {
      const digests: string[] = [];
      for (const [name, { path }] of byName) digests.push(`${name} ${await withFile(files, path, sha256Source)}`);
      return sha256Bytes(new TextEncoder().encode(JSON.stringify([manifest, digests])));
    },
  };
}

interface NpyHeader {
  shape: number[];
  /** As stored. */
  dtype: StoredFloat;
  byteOffset: number;
  elementCount: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const DTYPES: Readonly<Record<string, StoredFloat>> = { '<f8': 'f64', '<f4': 'f32', '<f2': 'f16' };
/** NumPy itself refuses to read more. */
const MAX_HEADER_BYTES = 10_000;

/** @throws RefuteError E_NPY */
async function readNpyHeader(source: ByteSource): Promise<NpyHeader> {
  const fail = (is: string, allowed?: string): RefuteError =>
    new RefuteError({ code: 'E_NPY', place: source.path, is, ...(allowed === undefined ? {} : { allowed }) });
  const start = new Uint8Array(Math.min(12, source.byteLength));
  await source.read(0, start);
  if (start.length < 12 || MAGIC.some((byte, i) => start[i] !== byte)) throw fail('this is not an .npy file');
  const view = new DataView(start.buffer);
  const isLong = view.getUint8(6) >= 2;
  const headerAt = isLong ? 12 : 10;
  const headerLength = isLong ? view.getUint32(8, true) : view.getUint16(8, true);
  const byteOffset = headerAt + headerLength;
  if (byteOffset > source.byteLength || headerLength > MAX_HEADER_BYTES) {
    throw fail(`the header claims ${headerLength} bytes, the file has ${source.byteLength}`);
  }
  const bytes = new Uint8Array(headerLength);
  await source.read(headerAt, bytes);
  const header = new TextDecoder('latin1').decode(bytes);
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1] ?? '';
  const dims = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (!/'fortran_order'\s*:\s*False/.test(header) || dims === undefined) {
    throw fail('its header is not that of an array in C order', 'numpy.ascontiguousarray before numpy.save makes one');
  }
  const dtype = Object.hasOwn(DTYPES, descr) ? DTYPES[descr] : undefined;
  if (dtype === undefined) {
    throw fail(`its dtype is ${JSON.stringify(descr)}`, `${Object.keys(DTYPES).join(', ')} are read`);
  }
  const shape = dims.split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)]));
  const elementCount = shape.reduce((product, extent) => product * extent, 1);
  const byteLength = elementCount * FLOAT_BYTES[dtype];
  if (!Number.isSafeInteger(elementCount) || source.byteLength - byteOffset !== byteLength) {
    const is = `${source.byteLength - byteOffset} bytes of data`;
    throw fail(is, `[${shape.join(', ')}] of ${dtype} has ${byteLength}`);
  }
  return { shape, dtype, byteOffset, elementCount };
}
