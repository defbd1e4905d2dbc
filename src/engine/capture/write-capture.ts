// A capture folder as a sink, in float32 whatever the executor computes in: stage files grow piece by piece, the
// manifest comes last. Without a manifest a folder does not count as a capture, so an interrupted one is never read.
import { elementBytes, encodeAprtHeader } from '../formats/aprt.ts';
import { unaliased } from '../program/stages.ts';
import { AtomicFile } from '../io/atomic-file.ts';
import { removeFile } from '../io/remove-file.ts';
import { newSha256, type RunningSha256 } from '../io/sha256.ts';
import { writeFileAtomic } from '../io/write-file-atomic.ts';
import { encodeManifest, MANIFEST_NAME, stageFile, type CapturedFile, type CaptureManifest } from './manifest.ts';
import type { FloatArray } from '../program/executor.ts';
import type { CapturedStage, StageSink } from './sink.ts';

export class CaptureWriter implements StageSink<FloatArray> {
  readonly folder: string;
  readonly #about: Omit<CaptureManifest, 'files'>;
  readonly #growing = new Map<string, { file: AtomicFile; hash: RunningSha256 }>();
  readonly #files: Record<string, CapturedFile> = {};

  private constructor(folder: string, about: Omit<CaptureManifest, 'files'>) {
    this.folder = folder;
    this.#about = about;
  }

  /**
   * Starts a capture. The manifest of an older one in the folder is removed; its other files stay until overwritten.
   *
   * @throws RefuteError those of AtomicFile
   */
  static async create(folder: string, about: Omit<CaptureManifest, 'files'>): Promise<CaptureWriter> {
    await removeFile(`${folder}/${MANIFEST_NAME}`);
    return new CaptureWriter(folder, about);
  }

  async begin(stage: CapturedStage): Promise<void> {
    const header = encodeAprtHeader(stage.layer, elementCountOf(stage));
    const file = await AtomicFile.create(`${this.folder}/${stageFile(stage)}`);
    const hash = await newSha256();
    this.#growing.set(stage.id, { file, hash });
    hash.update(header);
    await file.append(header);
  }

  async append(stage: CapturedStage, data: FloatArray): Promise<void> {
    const growing = this.#growing.get(stage.id);
    const bytes = elementBytes(data instanceof Float32Array ? data : Float32Array.from(data));
    growing?.hash.update(bytes);
    await growing?.file.append(bytes);
  }

  /** Not flushed one by one: the digest in the manifest tells a file that a power cut left empty. */
  async end(stage: CapturedStage): Promise<void> {
    const growing = this.#growing.get(stage.id);
    if (growing === undefined) return;
    await growing.file.commit({ isDurable: false });
    this.#growing.delete(stage.id);
    const { name, layer, shape } = stage;
    const alias = unaliased(name) === name ? {} : { aliasOf: unaliased(name) };
    const sha256 = growing.hash.digest();
    this.#files[stageFile(stage)] = { stage: name, ...alias, layer, shape, dtype: 'f32', sha256 };
  }

  /** Writes the manifest. @returns it */
  async finish(): Promise<CaptureManifest> {
    const manifest: CaptureManifest = { ...this.#about, files: this.#files };
    await writeFileAtomic(`${this.folder}/${MANIFEST_NAME}`, encodeManifest(manifest));
    return manifest;
  }

  /** Removes what is half written. Finished stage files stay, without a manifest. */
  async abort(): Promise<void> {
    for (const { file } of this.#growing.values()) await file.discard();
    this.#growing.clear();
  }
}

function elementCountOf(stage: CapturedStage): number {
  return stage.shape.reduce((product, extent) => product * extent, 1);
}
