// A capture of somebody else's engine as tensors by name: our own APRT folder with its manifest, a folder of .npy files,
// or a safetensors file. Tensors are read when they are asked for and not kept.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { RefuteError } from '../../errors.ts';
import { openFile } from '../../engine/io/open-file.ts';
import { parseSafetensors } from '../../engine/formats/safetensors.ts';
import { readCapture } from '../../engine/capture/read-capture.ts';
import { stagePath } from '../../engine/capture/sink.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { Positions } from '../../engine/capture/select.ts';
import { decodeExact } from '../../oracles/float64/decode/decode-exact.ts';
import { dtypeOf } from './open-pack.ts';
import { exactFloats, notFloat32 } from './exact-floats.ts';
import { decodeNpy } from './npy.ts';
import { OWN_NAMES, type StageMap } from './stage-map.ts';

export interface DumpTensor {
  shape: readonly number[];
  data: Float32Array;
  dtype: 'f64' | 'f32' | 'f16' | 'bf16';
}

export interface Dump {
  /** Path and kind, for people. */
  label: string;
  /** null where the dump does not say. */
  tokens: readonly number[] | null;
  positions: Positions;
  /** Of one of our own executors; null: nothing is declared. */
  origin: { executor: 'cpu' | 'webgpu' | 'float64'; profile: NumericProfile } | null;
  modelSha256: string | null;
  /** Every name in the dump. */
  names: readonly string[];
  has(stage: string, layer: number | null): boolean;
  /** @throws RefuteError where it is not what it should be */
  read(stage: string, layer: number | null): Promise<DumpTensor>;
  close(): Promise<void>;
}

/** A stage of 2^29 elements is more than this can hold anyway. */
const MAX_FILE_BYTES = 2 ** 31;

/** @param map null: names, tokens and positions are those of our own captures */
export async function openDump(path: string, map: StageMap | null): Promise<Dump> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw dumpError(path, 'there is no such file or folder');
  if (found.isFile()) return openSafetensors(path, map ?? OWN_NAMES);
  const names = await readdir(path, { recursive: true });
  if (names.includes('manifest.json')) return openCapture(path);
  const arrays = names.filter((name) => name.endsWith('.npy'));
  if (arrays.length > 0) return openArrays(path, arrays, map ?? OWN_NAMES);
  const [file] = names.filter((name) => name.endsWith('.safetensors'));
  if (file !== undefined) return openSafetensors(join(path, file), map ?? OWN_NAMES);
  throw dumpError(path, 'it holds no manifest.json, no .npy and no .safetensors', 'one of these is read');
}

async function openCapture(folder: string): Promise<Dump> {
  const capture = await readCapture(folder);
  const { manifest } = capture;
  const { origin } = manifest;
  const isOfDoubles = 'executor' in origin ? origin.executor === 'float64' : dtypeOf(capture) === 'float64';
  if (isOfDoubles) throw notFloat32(folder, 'its values were computed in float64 and rounded since');
  const pathOf = (stage: string, layer: number | null): string => stagePath({ name: stage, layer });
  return {
    label: `${folder} (capture)`,
    tokens: manifest.tokens,
    positions: manifest.positions,
    origin: 'executor' in origin ? origin : null,
    modelSha256: manifest.model.sha256,
    names: capture.paths,
    has: (stage, layer) => capture.file(pathOf(stage, layer)) !== undefined,
    read: async (stage, layer) => {
      const path = pathOf(stage, layer);
      const data = await capture.read(path);
      return { shape: capture.file(path)?.shape ?? [], data, dtype: 'f32' };
    },
    close: async () => undefined,
  };
}

function foreign(label: string, map: StageMap, names: readonly string[]): Omit<Dump, 'read' | 'close'> {
  const known = new Set(names);
  return {
    label,
    tokens: map.tokens,
    positions: map.positions,
    origin: null,
    modelSha256: null,
    names,
    has: (stage, layer) => known.has(map.nameOf(stage, layer)),
  };
}

async function openArrays(folder: string, files: readonly string[], map: StageMap): Promise<Dump> {
  const names = files.map((file) =>
    relative('.', file)
      .replaceAll('\\', '/')
      .replace(/\.npy$/, ''),
  );
  return {
    ...foreign(`${folder} (.npy)`, map, names),
    read: async (stage, layer) => {
      const path = join(folder, `${map.nameOf(stage, layer)}.npy`);
      const { size } = await stat(path);
      if (size > MAX_FILE_BYTES) throw dumpError(path, `it has ${size} bytes`, `at most ${MAX_FILE_BYTES} are read`);
      return decodeNpy(await readFile(path), path);
    },
    close: async () => undefined,
  };
}

async function openSafetensors(path: string, map: StageMap): Promise<Dump> {
  const source = await openFile(path);
  const { tensors } = await parseSafetensors(source).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return {
    ...foreign(`${path} (safetensors)`, map, [...byName.keys()]),
    read: async (stage, layer) => {
      const tensor = byName.get(map.nameOf(stage, layer));
      const type = tensor?.typeLabel;
      const place = `${path}: ${map.nameOf(stage, layer)}`;
      if (tensor === undefined || (type !== 'f64' && type !== 'f32' && type !== 'f16' && type !== 'bf16')) {
        throw dumpError(place, `its type is ${type ?? 'unknown'}`, 'f64, f32, f16 and bf16 are read');
      }
      const bytes = new Uint8Array(tensor.byteLength);
      await source.read(tensor.byteOffset, bytes);
      if (type === 'f64') {
        return { shape: tensor.shape, data: exactFloats(new Float64Array(bytes.buffer), place), dtype: type };
      }
      return { shape: tensor.shape, data: Float32Array.from(decodeExact(type, bytes)), dtype: type };
    },
    close: () => source.close(),
  };
}

function dumpError(place: string, is: string, allowed?: string): RefuteError {
  return new RefuteError({ code: 'E_DUMP', place, is, ...(allowed === undefined ? {} : { allowed }) });
}
