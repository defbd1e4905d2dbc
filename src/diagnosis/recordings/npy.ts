// NumPy's .npy: "\x93NUMPY" | version (2) | header length (u16 or u32 LE) | a Python dict as text | data. Little-endian
// floats in C order are read; everything else is refused by name. Header and size are checked before they are believed.
import { RefuteError } from '../../errors.ts';
import { exactFloats } from './exact-floats.ts';

export interface NpyArray {
  shape: number[];
  data: Float32Array;
  /** As stored. */
  dtype: 'f64' | 'f32' | 'f16';
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const DTYPES = { '<f8': ['f64', 8], '<f4': ['f32', 4], '<f2': ['f16', 2] } as const;

/** @throws RefuteError E_NPY, E_DUMP_PRECISION */
export function decodeNpy(bytes: Uint8Array, place: string): NpyArray {
  const fail = (is: string, allowed?: string): RefuteError =>
    new RefuteError({ code: 'E_NPY', place, is, ...(allowed === undefined ? {} : { allowed }) });
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) throw fail('this is not a .npy file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = view.getUint8(6) >= 2;
  const headerAt = isLong ? 12 : 10;
  const headerLength = isLong ? view.getUint32(8, true) : view.getUint16(8, true);
  const dataAt = headerAt + headerLength;
  if (dataAt > bytes.length) throw fail(`the header claims ${headerLength} bytes, the file has ${bytes.length}`);
  const header = new TextDecoder('latin1').decode(bytes.subarray(headerAt, dataAt));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const dims = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (!/'fortran_order'\s*:\s*False/.test(header) || dims === undefined) {
    throw fail('its header is not that of an array in C order', 'numpy.ascontiguousarray before numpy.save makes one');
  }
  if (descr !== '<f8' && descr !== '<f4' && descr !== '<f2') {
    throw fail(`its dtype is ${JSON.stringify(descr)}`, `${Object.keys(DTYPES).join(', ')} are read`);
  }
  const shape = dims.split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)]));
  const count = shape.reduce((product, extent) => product * extent, 1);
  const [dtype, width] = DTYPES[descr];
  if (!Number.isSafeInteger(count) || bytes.length - dataAt !== count * width) {
    throw fail(`${bytes.length - dataAt} bytes of data`, `[${shape.join(', ')}] of ${dtype} has ${count * width}`);
  }
  return { shape, data: readFloats(view, dataAt, count, dtype, place), dtype };
}

function readFloats(view: DataView, at: number, count: number, dtype: NpyArray['dtype'], place: string): Float32Array {
  if (dtype === 'f64') {
    return exactFloats(
      Float64Array.from({ length: count }, (_, i) => view.getFloat64(at + 8 * i, true)),
      place,
    );
  }
  const data = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    data[i] = dtype === 'f32' ? view.getFloat32(at + 4 * i, true) : view.getFloat16(at + 2 * i, true);
  }
  return data;
}
