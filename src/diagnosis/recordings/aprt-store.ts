// A folder of APRT files with the manifest that lists them, as `apr trace --save-tensor` writes it. A stage is read
// when it is asked for, and only if its digest is right.
import { RefuteError } from '../../errors.ts';
import type { CapturedFile, ManifestHead } from '../../engine/capture/manifest.ts';
import { parseAprt } from '../../engine/formats/aprt.ts';
import type { Files } from '../../engine/io/files.ts';
import { readWholeFile } from '../../engine/io/read-whole.ts';
import { sha256Bytes } from '../../engine/io/sha256.ts';
import { MAX_TENSOR_BYTES } from './floats.ts';
import type { TensorStore } from './recording.ts';

export function aprtStore(
  files: Files,
  folder: string,
  manifest: ManifestHead,
  listed: Readonly<Record<string, CapturedFile>>,
): TensorStore {
  const entries = Object.entries(listed);
  const byName = new Map(entries);
  return {
    form: 'capture',
    manifest,
    tensors: new Map(entries.map(([path, { stage: name, layer, shape }]) => [path, { shape, stage: { name, layer } }])),
    read: async (path) => {
      const file = byName.get(path);
      if (file === undefined) throw new RangeError(`the manifest has no ${path}`);
      return { shape: file.shape, data: await readStage(files, `${folder}/${path}`, file), dtype: 'f32' };
    },
    digest: () => sha256Bytes(new TextEncoder().encode(JSON.stringify({ ...manifest, files: listed }))),
  };
}

async function readStage(files: Files, path: string, file: CapturedFile): Promise<Float32Array> {
  const bytes = await readWholeFile(files, path, MAX_TENSOR_BYTES);
  const digest = await sha256Bytes(bytes);
  if (digest !== file.sha256) {
    throw captureError('E_CAPTURE_DIGEST', path, `its sha256 is ${digest}, the manifest says ${file.sha256}`);
  }
  const { layer, data } = parseAprt(bytes, path);
  const elementCount = file.shape.reduce((product, extent) => product * extent, 1);
  if (data.length !== elementCount || layer !== file.layer) {
    throw captureError(
      'E_CAPTURE_SHAPE',
      path,
      `it holds ${data.length} elements of ${layer === null ? 'the whole model' : `layer ${layer}`}, the manifest says [${file.shape.join(', ')}]`,
    );
  }
  return data;
}

function captureError(code: string, place: string, is: string): RefuteError {
  return new RefuteError({ code, place, is });
}
