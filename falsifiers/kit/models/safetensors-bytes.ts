// Writes safetensors files, right ones and wrong ones, byte by byte from the specification: header length u64 | JSON | data.

interface TensorEntry {
  dtype: string;
  shape: readonly number[];
  data_offsets: [number, number];
}

/** The file of a header as text, or of an object that becomes one. */
export function safetensorsFile(
  header: string | Record<string, unknown>,
  data: Uint8Array = new Uint8Array(),
): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.byteLength + data.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.byteLength);
  return bytes;
}

/** Tensors one after another, as the format's own writer lays them out. */
export function safetensorsOf(
  tensors: Readonly<Record<string, { dtype: string; shape: readonly number[]; data: Uint8Array }>>,
): Uint8Array {
  const header: Record<string, TensorEntry> = {};
  let at = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const all = new Uint8Array(at);
  for (const [name, { data }] of Object.entries(tensors)) all.set(data, header[name]?.data_offsets[0]);
  return safetensorsFile(header, all);
}
