// The maps that a person names with --map: built-in ones, and small YAML files.
//   tokens: [1, 5, 9]
//   positions: all            # or last
//   rotary_rows: halves       # or pairs
//   stages:
//     attn_norm: "model.layers.{layer}.input_layernorm"
//     attention: ["{layer}.mixed", "{layer}.o_proj.input"]
//     ffn_gate+ffn_up: "{layer}.gate_up"
//     layer-0/ffn_out: "first.mlp"
//   where:
//     q_bias:
//       q_bias: "model.layers.{layer}.self_attn.q_proj"
// `ignored`, in the place of a stage, has names of nothing that is judged.
// Names that it does not have are ours: `layer-3/attn_norm`, `final_norm`.
import { RefuteError } from '../../errors.ts';
import { ROTARY_ROWS } from '../../engine/capture/rotary-layout.ts';
import { quoted } from '../../engine/formats/quoted.ts';
import { DISK } from '../../engine/io/disk.ts';
import { readWholeFile } from '../../engine/io/read-whole.ts';
import { nearest } from '../../near-miss.ts';
import { readSmallYaml } from '../small-yaml.ts';
import { BUILT_IN_MAPS } from './maps/built-in.ts';
import type { MapSource, Names } from './maps/source.ts';
import { layered, stageMapOf, type StageMap } from './stage-map.ts';

/** A map has a few dozen lines. */
const MAX_MAP_BYTES = 2 ** 20;
const KEYS = ['tokens', 'positions', 'rotary_rows', 'stages', 'where'];

/**
 * One over the other, the last on top; the name of a built-in map goes before a file.
 *
 * @returns null: none is named
 * @throws RefuteError E_STAGE_MAP, and those of files
 */
export async function readMaps(names: readonly string[]): Promise<StageMap | null> {
  return layered(await Promise.all(names.map(async (name) => builtIn(name) ?? (await readFile(name)))));
}

/** @throws RefuteError E_STAGE_MAP where one is not built in */
export function builtInMaps(names: readonly string[], place: string): StageMap | null {
  return layered(
    names.map((name) => {
      const map = builtIn(name);
      if (map !== null) return map;
      const allowed = `there are ${[...BUILT_IN_MAPS.keys()].join(', ')}`;
      throw new RefuteError({ code: 'E_STAGE_MAP', place, is: `${quoted(name)} is not a map`, allowed });
    }),
  );
}

function builtIn(name: string): StageMap | null {
  const source = BUILT_IN_MAPS.get(name);
  return source === undefined ? null : stageMapOf(source, name);
}

async function readFile(path: string): Promise<StageMap> {
  const bytes = await readWholeFile(DISK, path, MAX_MAP_BYTES).catch((error: unknown) => {
    if (!(error instanceof RefuteError) || error.code !== 'E_FILE_MISSING') throw error;
    const allowed = `a file, or one of ${[...BUILT_IN_MAPS.keys()].join(', ')}`;
    throw new RefuteError({ code: 'E_STAGE_MAP', place: path, is: 'there is no such map', allowed, cause: error });
  });
  return parseStageMap(new TextDecoder().decode(bytes), path);
}

/** @throws RefuteError E_STAGE_MAP */
export function parseStageMap(text: string, place: string): StageMap {
  const fail = (is: string, allowed?: string): RefuteError =>
    new RefuteError({ code: 'E_STAGE_MAP', place, is, ...(allowed === undefined ? {} : { allowed }) });
  const root = readSmallYaml(text, place, 'E_STAGE_MAP');
  if (!isRecord(root)) throw fail('this is not a mapping', `its keys are ${KEYS.join(', ')}`);
  const unknown = Object.keys(root).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    const meant = nearest(unknown, KEYS);
    throw fail(
      `${quoted(unknown)} is not a key of a map`,
      meant === undefined ? KEYS.join(', ') : `is ${meant} meant?`,
    );
  }
  const { tokens = null, positions = null, rotary_rows: rows, stages = {}, where = {} } = root;
  if (tokens !== null && !isTokens(tokens)) throw fail('tokens is not a list of token ids');
  if (positions !== null && positions !== 'all' && positions !== 'last')
    throw fail('positions is neither all nor last');
  const rotaryRows = ROTARY_ROWS.find((known) => known === rows);
  if (rows !== undefined && rotaryRows === undefined) throw fail('rotary_rows is neither halves nor pairs');
  if (!isNames(stages)) throw fail('stages is not a mapping of stage names to names in the recording');
  if (!isRecord(where) || !Object.values(where).every(isNames)) {
    throw fail('where is not a mapping of stage names to such mappings as stages has');
  }
  const source: MapSource = {
    ...(rotaryRows === undefined ? {} : { rotaryRows }),
    stages,
    where: where as Record<string, Names>,
  };
  return stageMapOf(source, place, { tokens, positions });
}

function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && (id as number) >= 0);
}

function isNames(value: unknown): value is Names {
  const isText = (name: unknown): boolean => typeof name === 'string';
  return isRecord(value) && Object.values(value).every((of) => isText(of) || (Array.isArray(of) && of.every(isText)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
