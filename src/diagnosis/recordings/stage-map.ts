// What somebody else calls our stages: a small YAML file.
//   tokens: [1, 5, 9]
//   positions: all            # or last
//   stages:
//     attn_norm: "model.layers.{layer}.input_layernorm"
//     final_norm: "model.norm"
// Without one, names are ours: `layer-3/attn_norm`, `final_norm`.
import { parse } from 'yaml';
import { RefuteError } from '../../errors.ts';
import { STAGE_NAMES } from '../../engine/program/stages.ts';
import type { Positions } from '../../engine/capture/select.ts';

export interface StageMap {
  tokens: number[] | null;
  positions: Positions;
  /** The dump's name of a stage. */
  nameOf: (stage: string, layer: number | null) => string;
}

/** A map has a few dozen lines. */
const MAX_MAP_CHARACTERS = 1_000_000;

export const OWN_NAMES: StageMap = {
  tokens: null,
  positions: 'all',
  nameOf: (stage, layer) => (layer === null ? stage : `layer-${layer}/${stage}`),
};

/** @throws RefuteError E_STAGE_MAP */
export function parseStageMap(text: string, place: string): StageMap {
  const fail = (is: string, allowed?: string): RefuteError =>
    new RefuteError({ code: 'E_STAGE_MAP', place, is, ...(allowed === undefined ? {} : { allowed }) });
  if (text.length > MAX_MAP_CHARACTERS) throw fail(`it has ${text.length} characters`);
  let root: unknown;
  try {
    root = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new RefuteError({ code: 'E_STAGE_MAP', place, is: 'this is not YAML', cause: error });
  }
  if (!isRecord(root)) throw fail('this is not a mapping', 'tokens, positions and stages are its keys');
  const { tokens = null, positions = 'all', stages = {} } = root;
  const isTokens = Array.isArray(tokens) && tokens.every((id) => Number.isSafeInteger(id) && (id as number) >= 0);
  if (tokens !== null && !isTokens) throw fail('tokens is not a list of token ids');
  if (positions !== 'all' && positions !== 'last') throw fail('positions is neither all nor last');
  if (!isRecord(stages)) throw fail('stages is not a mapping of stage names to names in the dump');
  const names = new Map<string, string>();
  for (const [stage, name] of Object.entries(stages)) {
    if (!STAGE_NAMES.some((known) => known === stage)) {
      throw fail(`${JSON.stringify(stage)} is not a stage`, `there are ${STAGE_NAMES.join(', ')}`);
    }
    if (typeof name !== 'string') throw fail(`the name of ${stage} is not text`);
    names.set(stage, name);
  }
  return {
    tokens: tokens as number[] | null,
    positions,
    nameOf(stage, layer) {
      const name = names.get(stage);
      return name === undefined ? OWN_NAMES.nameOf(stage, layer) : name.replaceAll('{layer}', String(layer));
    },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
