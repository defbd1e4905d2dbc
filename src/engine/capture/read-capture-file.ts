// A capture in one safetensors file, as scripts of other implementations write it: tensors named by stage path, the
// manifest without `files` as text under "manifest" of the file's metadata. Our own captures are folders.
import { RefuteError } from '../../errors.ts';
import { quoted } from '../formats/quoted.ts';
import type { SafetensorsTensor } from '../formats/safetensors-tensors.ts';
import { parseSafetensors } from '../formats/safetensors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { openFile } from '../io/open-file.ts';
import { sha256Source } from '../io/sha256.ts';
import { decodeManifest, type CapturedFile } from './manifest.ts';
import type { Capture } from './read-capture.ts';

/** The largest that one typed array can be read into here. */
const MAX_TENSOR_BYTES = 2 ** 32;

/** @throws RefuteError E_CAPTURE_MANIFEST where the file has none, E_CAPTURE_STAGE, E_MANIFEST, those of safetensors */
export async function readCaptureFile(path: string): Promise<Capture> {
  const { text, tensors, sha256 } = await withSource(path, async (source) => {
    const { metadata, tensors } = await parseSafetensors(source);
    const text = metadata.get('manifest');
    if (text === undefined) {
      const allowed = 'docs/reference-packs.md has the format';
      throw captureError('E_CAPTURE_MANIFEST', path, 'its metadata has no "manifest"', allowed);
    }
    return { text, tensors, sha256: await sha256Source(source) };
  });
  const byPath = new Map(tensors.map((tensor) => [`${tensor.name}.bin`, tensor]));
  const files = Object.fromEntries([...byPath].map(([name, tensor]) => [name, fileOf(path, tensor, sha256)]));
  const manifest = decodeManifest(text, path, files);
  return {
    folder: path,
    manifest,
    paths: [...byPath.keys()],
    file: (name) => manifest.files[name],
    read: async (name) => {
      const tensor = byPath.get(name);
      if (tensor === undefined) throw captureError('E_CAPTURE_STAGE', path, `there is no tensor ${quoted(name)}`);
      return withSource(path, (source) => readValues(source, tensor));
    },
  };
}

async function withSource<T>(path: string, work: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await openFile(path);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

/** @param sha256 of the whole file: its tensors have none of their own */
function fileOf(path: string, { name, shape }: SafetensorsTensor, sha256: string): CapturedFile {
  const [, layer, stage] = /^(?:layer-(\d{1,5})\/)?([a-z0-9_]{1,64})$/.exec(name) ?? [];
  if (stage === undefined) {
    const is = `the tensor ${quoted(name)} is named like no stage`;
    throw captureError('E_CAPTURE_STAGE', path, is, 'layer-0/attn_norm and lm_head are such names');
  }
  return { stage, layer: layer === undefined ? null : Number(layer), shape, dtype: 'f32', sha256 };
}

/** Rounded once where they are doubles. */
async function readValues(source: ByteSource, tensor: SafetensorsTensor): Promise<Float32Array> {
  const { typeLabel, byteOffset, byteLength, elementCount, name } = tensor;
  const place = `${source.path}: ${name}`;
  const isDouble = typeLabel === 'f64';
  if (!isDouble && typeLabel !== 'f32') {
    throw captureError('E_CAPTURE_STAGE', place, `its type is ${typeLabel}`, 'f32 and f64 are read');
  }
  if (byteLength > MAX_TENSOR_BYTES) {
    throw captureError('E_CAPTURE_STAGE', place, `it has ${byteLength} bytes`, `at most ${MAX_TENSOR_BYTES} are read`);
  }
  const bytes = new Uint8Array(byteLength);
  await source.read(byteOffset, bytes);
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: elementCount }, (_, i) =>
    isDouble ? view.getFloat64(8 * i, true) : view.getFloat32(4 * i, true),
  );
}

function captureError(code: string, place: string, is: string, allowed?: string): RefuteError {
  return new RefuteError({ code, place, is, ...(allowed === undefined ? {} : { allowed }) });
}
