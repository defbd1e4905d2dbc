// A capture back: the manifest at once, a stage's values when asked for and only if their digest is right. Of a folder;
// one in a single file is read-capture-file.ts.
import { RefuteError } from '../../errors.ts';
import { decodeAprt } from '../formats/aprt.ts';
import { quoted } from '../formats/quoted.ts';
import { readWholeFile } from '../io/read-whole.ts';
import { sha256Bytes } from '../io/sha256.ts';
import { readCaptureFile } from './read-capture-file.ts';
import { decodeManifest, MANIFEST_NAME, type CapturedFile, type CaptureManifest } from './manifest.ts';

/** A manifest names a few thousand files in a few hundred bytes each. */
const MAX_MANIFEST_BYTES = 2 ** 26;
/** The largest that one Float32Array can be read into here. */
const MAX_STAGE_BYTES = 2 ** 32;

export interface Capture {
  /** Or the one file. */
  folder: string;
  manifest: CaptureManifest;
  /** Paths in the manifest's order, which is that of execution. */
  paths: readonly string[];
  file(path: string): CapturedFile | undefined;
  /** @throws RefuteError E_CAPTURE_STAGE, E_CAPTURE_DIGEST, E_CAPTURE_SHAPE, and those of files and APRT */
  read(path: string): Promise<Float32Array>;
}

/**
 * @param folder or a safetensors file with a manifest
 * @throws RefuteError E_CAPTURE_MANIFEST where there is no manifest, E_MANIFEST, and those of `readCaptureFile`
 */
export async function readCapture(folder: string): Promise<Capture> {
  if (folder.endsWith('.safetensors')) return readCaptureFile(folder);
  const place = `${folder}/${MANIFEST_NAME}`;
  const bytes = await readManifestBytes(folder, place);
  const manifest = decodeManifest(new TextDecoder().decode(bytes), place);
  const files = new Map(Object.entries(manifest.files));
  return {
    folder,
    manifest,
    paths: [...files.keys()],
    file: (path) => files.get(path),
    read: async (path) => {
      const file = files.get(path);
      if (file === undefined) throw captureError('E_CAPTURE_STAGE', place, `there is no entry ${quoted(path)}`);
      return readStage(`${folder}/${path}`, file);
    },
  };
}

async function readManifestBytes(folder: string, place: string): Promise<Uint8Array> {
  try {
    return await readWholeFile(place, MAX_MANIFEST_BYTES);
  } catch (error) {
    if (!(error instanceof RefuteError) || error.code !== 'E_FILE_MISSING') throw error;
    throw new RefuteError({
      code: 'E_CAPTURE_MANIFEST',
      place: folder,
      is: `there is no ${MANIFEST_NAME}`,
      allowed: 'without one nothing says which tokens and positions its tensors belong to',
      next: 'The capture was probably interrupted',
      cause: error,
    });
  }
}

async function readStage(path: string, file: CapturedFile): Promise<Float32Array> {
  const bytes = await readWholeFile(path, MAX_STAGE_BYTES);
  const digest = await sha256Bytes(bytes);
  if (digest !== file.sha256) {
    throw captureError('E_CAPTURE_DIGEST', path, `its sha256 is ${digest}, the manifest says ${file.sha256}`);
  }
  const { layer, data } = decodeAprt(bytes, path);
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
