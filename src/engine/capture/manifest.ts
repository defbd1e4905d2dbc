// manifest.json, the identity of a capture: what ran on what, and every file with its shape and digest. Written by us
// with an executor's numeric profile, by scripts of other implementations with a `producer` instead; both are read.
import { RefuteError } from '../../errors.ts';
import { quoted, shownValue } from '../formats/quoted.ts';
import { EXECUTOR_IDS, type ExecutorId } from '../program/executor.ts';
import { INFERRED_PARTS, type InferredPart, type NumericProfile } from '../program/numeric-profile.ts';
import { parseProfile } from './parse-profile.ts';
import { ROTARY_ROWS, type RotaryLayout } from './rotary-layout.ts';
import type { Positions } from './select.ts';
import { stageId, type StageKey } from '../program/stages.ts';

export interface CaptureManifest {
  schemaVersion: 1;
  model: { name: string; sha256: string; architecture: string };
  /** As they entered the model, BOS and template tokens included. */
  tokens: readonly number[];
  positions: Positions;
  /** null where the ids were given. */
  prompt: string | null;
  chatTemplateApplied: boolean;
  origin: CaptureOrigin;
  /** Order of q and k; absent: that of the model. */
  rotary?: RotaryLayout;
  /** Maps by name that say what the tensors' names mean; absent: they are stages and values. */
  map?: readonly string[];
  /** Further names, each of a tensor that is in it under another. */
  sameAs?: Readonly<Record<string, string>>;
  files: Readonly<Record<string, CapturedFile>>;
}

/** Who computed the values. */
export type CaptureOrigin =
  | {
      executor: ExecutorId;
      /** The GPU adapter by name. */
      adapter: string | null;
      profile: NumericProfile;
      /** As `Executor.undeclared`. */
      undeclared?: readonly InferredPart[];
      versions: Readonly<Record<string, string>>;
    }
  | { producer: Readonly<Record<string, unknown>> & { name: string; version: string } };

export interface CapturedFile {
  /** A stage, a value, or an alias: as it was asked for. */
  stage: string;
  /** The stage behind an alias. */
  aliasOf?: string;
  layer: number | null;
  shape: readonly number[];
  dtype: 'f32';
  /** Of the whole file, header included. */
  sha256: string;
}

export const MANIFEST_NAME = 'manifest.json';

/** Where a stage lies in the folder. */
export function stageFile(stage: StageKey): string {
  return `${stageId(stage)}.bin`;
}

/** `origin` is spread over the top level, which is where readers look for `executor` or `producer`. */
export function encodeManifest({ origin, files, ...rest }: CaptureManifest): string {
  return `${JSON.stringify({ ...rest, ...origin, files }, null, 1)}\n`;
}

/** What a manifest says of the whole recording. */
export type ManifestHead = Omit<CaptureManifest, 'files'>;

/**
 * @param place the file, for messages
 * @returns `files` null: there is no such key, because the tensors name themselves
 * @throws RefuteError E_MANIFEST
 */
export function parseManifest(
  text: string,
  place: string,
): { head: ManifestHead; files: CaptureManifest['files'] | null } {
  const fail = (is: string, allowed?: string): RefuteError =>
    new RefuteError({ code: 'E_MANIFEST', place, is, ...(allowed === undefined ? {} : { allowed }) });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new RefuteError({ code: 'E_MANIFEST', place, is: 'this is not JSON', cause: error });
  }
  if (!isRecord(json)) throw fail('this is not a JSON object');
  const { schemaVersion, model, tokens, positions, prompt, chatTemplateApplied } = json;
  const { files = null } = json;
  if (schemaVersion !== 1) throw fail(`schemaVersion is ${shownValue(schemaVersion)}`, 'version 1 is read');
  if (!isModel(model)) throw fail('model lacks one of name, sha256, architecture');
  if (!isTokenList(tokens)) throw fail(`tokens is ${shownValue(tokens)}`, 'a list of token ids is needed');
  if (positions !== 'all' && positions !== 'last')
    throw fail(`positions is ${shownValue(positions)}`, 'all or last is needed');
  if (prompt !== null && typeof prompt !== 'string') throw fail(`prompt is ${shownValue(prompt)}`);
  if (typeof chatTemplateApplied !== 'boolean') throw fail(`chatTemplateApplied is ${shownValue(chatTemplateApplied)}`);
  if (files !== null && !isRecord(files)) throw fail('files is not an object');
  for (const [path, file] of Object.entries(files ?? {})) {
    // The path must be what stage and layer make it, so it can never lead out of the folder.
    if (!isFile(file) || stageFile({ name: file.stage, layer: file.layer }) !== path) {
      throw fail(
        `the entry ${quoted(path)} of files cannot be used`,
        'stage, layer, shape, dtype f32 and sha256 are needed, and the path they make',
      );
    }
  }
  const origin = readOrigin(json, fail);
  const names = readNames(json, fail);
  const head: ManifestHead = { schemaVersion, model, tokens, positions, prompt, chatTemplateApplied, origin, ...names };
  return { head, files: files as CaptureManifest['files'] | null };
}

/** What a manifest may say of the tensors' names and order. */
function readNames(
  { rotary, map, sameAs }: Record<string, unknown>,
  fail: (is: string, allowed?: string) => RefuteError,
): Pick<ManifestHead, 'rotary' | 'map' | 'sameAs'> {
  const isText = (value: unknown): value is string => typeof value === 'string';
  if (rotary !== undefined && !isRotary(rotary)) {
    throw fail('rotary cannot be used', 'rows (halves or pairs), headDim, rotaryDim and kvHeadCount are its keys');
  }
  const maps = isText(map) ? [map] : map;
  if (maps !== undefined && !(Array.isArray(maps) && maps.every(isText))) {
    throw fail(`map is ${shownValue(map)}`, 'a name, or a list of names');
  }
  if (sameAs !== undefined && !(isRecord(sameAs) && Object.values(sameAs).every(isText))) {
    throw fail('sameAs is not an object of names');
  }
  return {
    ...(rotary === undefined ? {} : { rotary }),
    ...(maps === undefined ? {} : { map: maps }),
    ...(sameAs === undefined ? {} : { sameAs: sameAs as Record<string, string> }),
  };
}

function readOrigin(json: Record<string, unknown>, fail: (is: string) => RefuteError): CaptureOrigin {
  const { executor: id, adapter, profile, undeclared, versions, producer } = json;
  if (isRecord(producer)) {
    const { name, version } = producer;
    if (typeof name === 'string' && typeof version === 'string') return { producer: { ...producer, name, version } };
  }
  const executor = EXECUTOR_IDS.find((known) => known === id);
  if (executor === undefined || !isRecord(profile))
    throw fail('neither an executor with its profile nor a producer is named');
  return {
    executor,
    adapter: typeof adapter === 'string' ? adapter : null,
    profile: parseProfile(profile, fail),
    ...(Array.isArray(undeclared) ? { undeclared: INFERRED_PARTS.filter((part) => undeclared.includes(part)) } : {}),
    versions: isRecord(versions) ? (versions as Record<string, string>) : {},
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRotary(value: unknown): value is RotaryLayout {
  if (!isRecord(value)) return false;
  const { rows, headDim, rotaryDim, kvHeadCount } = value;
  const isCount = (count: unknown): count is number => Number.isSafeInteger(count) && Number(count) > 0;
  const areCounts = isCount(headDim) && isCount(rotaryDim) && isCount(kvHeadCount);
  return areCounts && rotaryDim <= headDim && rotaryDim % 2 === 0 && ROTARY_ROWS.some((known) => known === rows);
}

function isModel(value: unknown): value is CaptureManifest['model'] {
  return isRecord(value) && ['name', 'sha256', 'architecture'].every((key) => typeof value[key] === 'string');
}

function isTokenList(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((id) => Number.isSafeInteger(id) && id >= 0);
}

/** Names are lower-case words, so no path made of them can hold a separator or dots. */
function isFile(value: unknown): value is CapturedFile {
  if (!isRecord(value)) return false;
  const { stage, layer, shape, dtype, sha256 } = value;
  return (
    typeof stage === 'string' &&
    /^[a-z0-9_]{1,64}$/.test(stage) &&
    (layer === null || (Number.isSafeInteger(layer) && Number(layer) >= 0)) &&
    Array.isArray(shape) &&
    shape.length > 0 &&
    shape.every((extent) => Number.isSafeInteger(extent) && extent > 0) &&
    dtype === 'f32' &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}
