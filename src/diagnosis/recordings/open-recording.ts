// A recording, whatever it lies in: a folder of APRT files with their manifest, a folder of .npy files, or one
// safetensors file (alone or in a folder), each with or without a manifest. What a file is, its first bytes say;
// names lie. Tensors are read when they are asked for and not kept.
import { RefuteError } from '../../errors.ts';
import { MANIFEST_NAME, parseManifest, type CaptureOrigin } from '../../engine/capture/manifest.ts';
import type { FloatArray } from '../../engine/program/executor.ts';
import type { Program } from '../../engine/program/program.ts';
import type { DeclaredFormats } from '../../engine/program/numeric-profile.ts';
import { declaredFormats } from '../reference/profiles.ts';
import { isStepName, stagesById } from '../../engine/capture/select.ts';
import { readFormat, type FormatName } from '../../engine/formats/magic.ts';
import { quoted } from '../../engine/formats/quoted.ts';
import { DISK } from '../../engine/io/disk.ts';
import type { Files } from '../../engine/io/files.ts';
import { readWholeFile } from '../../engine/io/read-whole.ts';
import { parseStageId, stageId, unaliased, type StageKey } from '../../engine/program/stages.ts';
import { aprtStore } from './aprt-store.ts';
import { npyStore } from './npy-store.ts';
import type { RecordedTensor, Recording, TensorStore } from './recording.ts';
import { safetensorsStore } from './safetensors-store.ts';
import { builtInMaps } from './read-map.ts';
import { layered, type ModelNames, type StageMap } from './stage-map.ts';
import { withFile } from './with-file.ts';

/** A manifest names a few thousand files in a few hundred bytes each. */
const MAX_MANIFEST_BYTES = 2 ** 26;

/**
 * @param map what the tensors are called, on top of what the manifest says, and what ran where no manifest says it;
 *   null: names are ours, or as the manifest says
 * @param model what it is a recording of, where that is known: some names go by it
 * @throws RefuteError E_CAPTURE_MANIFEST (nothing in the folder that can be read), E_CAPTURE_STAGE (a name that is
 *   not one), E_STAGE_MAP, E_MANIFEST, and those of files and formats
 */
export async function openRecording(
  path: string,
  map: StageMap | null = null,
  model: ModelNames | null = null,
): Promise<Recording> {
  return openRecordingFrom(DISK, path, map, model);
}

/** As `openRecording`, wherever `files` are. */
export async function openRecordingFrom(
  files: Files,
  path: string,
  map: StageMap | null = null,
  model: ModelNames | null = null,
): Promise<Recording> {
  const names = await files.list(path);
  const store =
    names === null ? await safetensorsStore(files, path) : await openFolder(files, path, names.includes(MANIFEST_NAME));
  const own = builtInMaps(store.manifest?.map ?? [], `${path}: map`);
  const maps = layered([own, map].filter((known) => known !== null));
  return recordingOf(path, store, maps, model);
}

/** As a map takes it: of a program. */
export function namesOfProgram(program: Program): ModelNames {
  const names = new Set([...stagesById(program).values()].map(({ name }) => name));
  names.add(program.architecture);
  return { names, layerCount: program.layerCount };
}

/** As a map takes it: of another recording of the same model. */
export function namesOfRecording({ tensors, manifest }: Recording): ModelNames {
  const keys = [...tensors.values()];
  const layerCount = keys.reduce((count, { layer }) => Math.max(count, (layer ?? -1) + 1), 0);
  const names = new Set(keys.map(({ name }) => name));
  if (manifest !== null) names.add(manifest.model.architecture);
  return { names, layerCount };
}

/** Is it a recording rather than a model? Of a file by its header, of a folder by what files are in it. */
export async function isRecording(path: string): Promise<boolean> {
  const names = await DISK.list(path);
  if (names === null) {
    if ((await withFile(DISK, path, readFormat)) !== 'safetensors') return false;
    const { manifest, tensors } = await safetensorsStore(DISK, path);
    return manifest !== null || [...tensors.keys()].some((name) => keyOf(name) !== null);
  }
  if (names.includes(MANIFEST_NAME)) return true;
  if (names.includes('config.json')) return false;
  const formats = await formatsIn(DISK, path, 0);
  return ![...formats.values()].some((format) => format === 'gguf' || format === 'apr');
}

async function openFolder(files: Files, folder: string, hasManifest: boolean): Promise<TensorStore> {
  const place = `${folder}/${MANIFEST_NAME}`;
  const manifest = hasManifest
    ? parseManifest(new TextDecoder().decode(await readWholeFile(files, place, MAX_MANIFEST_BYTES)), place)
    : { head: null, files: null };
  if (manifest.head !== null && manifest.files !== null) return aprtStore(files, folder, manifest.head, manifest.files);
  const formats = [...(await formatsIn(files, folder, MAX_DEPTH))];
  const filesOf = (wanted: FormatName): string[] =>
    formats.flatMap(([name, found]) => (found === wanted ? [name] : []));
  const arrays = filesOf('npy');
  if (arrays.length > 0) return npyStore(files, folder, arrays, manifest.head);
  const [file, ...others] = filesOf('safetensors');
  if (file !== undefined && others.length === 0)
    return safetensorsStore(files, await files.pathIn(folder, file), manifest.head);
  const isInterrupted = filesOf('aprt').length > 0;
  throw new RefuteError({
    code: 'E_CAPTURE_MANIFEST',
    place: folder,
    is:
      file === undefined
        ? `there is no ${MANIFEST_NAME}, .npy or safetensors file`
        : 'it holds several safetensors files',
    allowed: isInterrupted
      ? 'without a manifest nothing says which tokens and positions its tensors belong to'
      : 'a recording is one of them; all tensors lie in one safetensors file',
    ...(isInterrupted ? { next: 'The capture was probably interrupted' } : {}),
  });
}

/** Names of tensors have a slash or two. Links may go in circles. */
const MAX_DEPTH = 8;

/** Regular files by path within the folder, with slashes, in order; so many levels of folders in it. */
async function formatsIn(files: Files, folder: string, depth: number): Promise<Map<string, FormatName>> {
  const formats = new Map<string, FormatName>();
  for (const name of (await files.list(folder)) ?? []) {
    const path = await files.pathIn(folder, name);
    const isFolder = (await files.list(path).catch(() => null)) !== null;
    if (!isFolder) {
      const format = await formatOf(files, path);
      if (format !== null) formats.set(name, format);
    } else if (depth > 0) {
      for (const [inner, format] of await formatsIn(files, path, depth - 1)) formats.set(`${name}/${inner}`, format);
    }
  }
  return formats;
}

/** null: no regular file. */
async function formatOf(files: Files, path: string): Promise<FormatName | null> {
  return withFile(files, path, readFormat).catch((error: unknown) => {
    if (error instanceof RefuteError && (error.code === 'E_FILE_KIND' || error.code === 'E_FILE_MISSING')) return null;
    throw error;
  });
}

/** A name as we write it, of a stage or value that there is. */
function keyOf(name: string): StageKey | null {
  const key = parseStageId(name);
  return key !== null && isStepName(key.name) ? key : null;
}

function recordingOf(path: string, store: TensorStore, map: StageMap | null, model: ModelNames | null): Recording {
  const { manifest } = store;
  const { tensors, otherNames, isMapped } = named(path, store, map, model);
  const origin = manifest?.origin ?? null;
  return {
    path,
    form: store.form,
    label: `${path} (${store.form})`,
    manifest,
    tokens: agreed(path, manifest?.tokens ?? null, map?.tokens ?? null),
    positions: manifest?.positions ?? map?.positions ?? 'all',
    rotaryRows: manifest?.rotary?.rows ?? (isMapped ? (map?.rotaryRows ?? null) : null),
    rotary: manifest?.rotary ?? null,
    nameOf: (id) => map?.nameOf(parseStageId(id) ?? { name: id, layer: null }, model) ?? null,
    origin,
    dtype: dtypeOf(origin),
    formats: formatsOf(origin, path),
    tensors,
    otherNames,
    read: async (id) => {
      const tensor = tensors.get(id);
      if (tensor === undefined) {
        throw new RefuteError({ code: 'E_CAPTURE_STAGE', place: path, is: `there is no ${quoted(id)} in it` });
      }
      const rows = await store.read(tensor.source);
      return { ...rows, data: partOf(rows.data, tensor), shape: tensor.shape };
    },
    digest: () => store.digest(),
  };
}

/** Every tensor under the stage or value that it is; of several tensors of one, the one whose name is preferred. */
function named(
  path: string,
  { manifest, tensors: stored }: TensorStore,
  map: StageMap | null,
  model: ModelNames | null,
): Pick<Recording, 'tensors' | 'otherNames'> & { isMapped: boolean } {
  let isMapped = false;
  const tensors = new Map<string, RecordedTensor>();
  const ranks = new Map<string, number>();
  const known = new Set<string>();
  const further = Object.entries(manifest?.sameAs ?? {});
  const sources = [...[...stored.keys()].map((name) => [name, name] as const), ...further];
  for (const [name, source] of sources) {
    const tensor = stored.get(source);
    if (tensor === undefined) continue;
    const { stage, shape } = tensor;
    const mapped = stage === undefined ? (map?.find(name, model) ?? null) : null;
    const own = stage ?? (manifest === null || map !== null ? keyOf(name) : parseStageId(name));
    const found = mapped ?? (own === null ? null : { keys: [own], rank: 0 });
    isMapped ||= mapped !== null;
    if (found === null && manifest !== null && map === null) throw nameError(path, name);
    if (found === null) continue;
    known.add(source);
    const { keys, rank } = found;
    for (const [index, key] of keys.entries()) {
      const id = stageId({ ...key, name: unaliased(key.name) });
      if (!(rank < (ranks.get(id) ?? Infinity))) continue;
      ranks.set(id, rank);
      const whole = withoutBatch(key.name, shape);
      const part = keys.length === 1 ? {} : { part: { index, count: keys.length } };
      const ownShape = [...whole.slice(0, -1), (whole.at(-1) ?? 0) / keys.length];
      tensors.set(id, { source, name: unaliased(key.name), layer: key.layer, shape: ownShape, ...part });
    }
  }
  return { tensors, isMapped, otherNames: [...stored.keys()].filter((name) => !known.has(name)) };
}

/** The columns of a part. */
function partOf(data: FloatArray, { shape, part }: RecordedTensor): FloatArray {
  if (part === undefined) return data;
  const width = shape.at(-1) ?? 0;
  const [total, from] = [width * part.count, width * part.index];
  return data.filter((_, i) => i % total >= from && i % total < from + width);
}

const DTYPES = { f64: 'float64', f32: 'float32', f16: 'float16', bf16: 'bfloat16' } as const;

function dtypeOf(origin: CaptureOrigin | null): string | null {
  if (origin === null) return null;
  if ('executor' in origin) return origin.executor === 'float64' ? 'float64' : DTYPES[origin.profile.storage];
  const { dtype } = origin.producer;
  return typeof dtype === 'string' ? dtype : null;
}

/** An executor has a whole profile; another producer may say a part of one, or the name of one. */
function formatsOf(origin: CaptureOrigin | null, place: string): DeclaredFormats | null {
  if (origin === null) return null;
  if ('executor' in origin) return { profile: origin.profile, undeclared: origin.undeclared ?? [] };
  const formats = origin.producer['formats'];
  return formats === undefined ? null : declaredFormats(formats, `${place}: producer.formats`);
}

/** A batch of one in front is left out: a stage is [positions, channels], scores are [heads, queries, keys]. */
function withoutBatch(name: string, shape: readonly number[]): readonly number[] {
  const rank = name === 'attn_scores' || name === 'attn_softmax' ? 3 : 2;
  return shape.length > rank && shape[0] === 1 ? shape.slice(1) : shape;
}

function agreed(
  path: string,
  said: readonly number[] | null,
  mapped: readonly number[] | null,
): readonly number[] | null {
  if (said !== null && mapped !== null && said.join() !== mapped.join()) {
    const is = `its tokens are ${said.join(', ')}, those of the map ${mapped.join(', ')}`;
    throw new RefuteError({ code: 'E_STAGE_MAP', place: path, is });
  }
  return said ?? mapped;
}

function nameError(place: string, name: string): RefuteError {
  const is = `the tensor ${quoted(name)} is not named like a stage`;
  const allowed = 'layer-0/attn_norm and lm_head are such names';
  return new RefuteError({ code: 'E_CAPTURE_STAGE', place, is, allowed });
}
