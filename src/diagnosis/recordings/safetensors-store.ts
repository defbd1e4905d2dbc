// A recording in one safetensors file, as scripts of other implementations write it. Its metadata may hold our
// manifest, without `files`, as text under "manifest"; the tensors name themselves.
import { RefuteError } from '../../errors.ts';
import { parseManifest, type ManifestHead } from '../../engine/capture/manifest.ts';
import { parseSafetensors } from '../../engine/formats/safetensors.ts';
import type { Files } from '../../engine/io/files.ts';
import { sha256Source } from '../../engine/io/sha256.ts';
import { FLOAT_BYTES, readFloats } from './floats.ts';
import type { StoredFloat, TensorStore } from './recording.ts';
import { withFile } from './with-file.ts';

/** @throws RefuteError E_MANIFEST, those of safetensors; `read` throws E_CAPTURE_STAGE at a type that is not read */
export async function safetensorsStore(
  files: Files,
  path: string,
  beside: ManifestHead | null = null,
): Promise<TensorStore> {
  const { metadata, tensors } = await withFile(files, path, parseSafetensors);
  const text = metadata.get('manifest');
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return {
    form: 'safetensors',
    manifest: text === undefined ? beside : parseManifest(text, path).head,
    tensors: byName,
    read: async (name) => {
      const tensor = byName.get(name);
      if (tensor === undefined) throw new RangeError(`${path} has no ${name}`);
      const { typeLabel: dtype, byteOffset, elementCount, shape } = tensor;
      const place = `${path}: ${name}`;
      if (!isFloat(dtype)) {
        const allowed = `${Object.keys(FLOAT_BYTES).join(', ')} are read`;
        throw new RefuteError({ code: 'E_CAPTURE_STAGE', place, is: `its type is ${dtype}`, allowed });
      }
      const data = await withFile(files, path, (source) =>
        readFloats(source, { dtype, byteOffset, elementCount }, place),
      );
      return { shape, data, dtype };
    },
    digest: () => withFile(files, path, sha256Source),
  };
}

function isFloat(type: string): type is StoredFloat {
  return Object.hasOwn(FLOAT_BYTES, type);
}
