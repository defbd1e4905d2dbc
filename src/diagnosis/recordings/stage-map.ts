// What somebody else calls our stages and values: a small YAML file.
//   tokens: [1, 5, 9]
//   positions: all            # or last
//   stages:
//     attn_norm: "model.layers.{layer}.input_layernorm"
//     q_matmul: "model.layers.{layer}.self_attn.q_proj"
//     layer-0/ffn_out: "first.mlp"
//     final_norm: "model.norm"
// Names that it does not have are ours: `layer-3/attn_norm`, `final_norm`.
import { parse } from 'yaml';
import { RefuteError } from '../../errors.ts';
import { isStepName, type Positions } from '../../engine/capture/select.ts';
import { readWholeFile } from '../../engine/io/read-whole.ts';
import { FIRST_LAYER, OTHER_VALUES, parseStageId, STAGE_NAMES, WHOLE_MODEL } from '../../engine/program/stages.ts';
import type { StageKey } from '../../engine/program/stages.ts';

export interface StageMap {
  tokens: readonly number[] | null;
  positions: Positions;
  /** What a tensor of this name is; null: the map does not have it. */
  keyOf(name: string): StageKey | null;
}

/** A map has a few dozen lines. */
const MAX_MAP_BYTES = 2 ** 20;
const LAYER = '{layer}';

/** @throws RefuteError E_STAGE_MAP, and those of files */
export async function readStageMap(path: string): Promise<StageMap> {
  return parseStageMap(new TextDecoder().decode(await readWholeFile(path, MAX_MAP_BYTES)), path);
}

/** @throws RefuteError E_STAGE_MAP */
export function parseStageMap(text: string, place: string): StageMap {
  const fail = (is: string, allowed?: string): RefuteError =>
    new RefuteError({ code: 'E_STAGE_MAP', place, is, ...(allowed === undefined ? {} : { allowed }) });
  let root: unknown;
  try {
    root = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new RefuteError({ code: 'E_STAGE_MAP', place, is: 'this is not YAML', cause: error });
  }
  if (!isRecord(root)) throw fail('this is not a mapping', 'tokens, positions and stages are its keys');
  const { tokens = null, positions = 'all', stages = {} } = root;
  if (tokens !== null && !isTokens(tokens)) throw fail('tokens is not a list of token ids');
  if (positions !== 'all' && positions !== 'last') throw fail('positions is neither all nor last');
  if (!isRecord(stages)) throw fail('stages is not a mapping of stage names to names in the recording');
  const fixed = new Map<string, StageKey>();
  const patterns: { name: string; pattern: RegExp }[] = [];
  for (const [stage, theirs] of Object.entries(stages)) {
    const key = parseStageId(stage);
    if (key === null || !isStepName(key.name)) {
      const allowed = `there are ${[...STAGE_NAMES, ...Object.keys(OTHER_VALUES)].join(', ')}`;
      throw fail(`${JSON.stringify(stage)} is not a stage or value`, allowed);
    }
    if (typeof theirs !== 'string') throw fail(`the name of ${stage} is not text`);
    const { name } = key;
    const layer = key.layer ?? (FIRST_LAYER.has(name) ? 0 : null);
    if (layer !== null || WHOLE_MODEL.has(name)) {
      fixed.set(theirs.replaceAll(LAYER, String(layer)), { name, layer });
    } else if (theirs.includes(LAYER)) {
      patterns.push({ name, pattern: patternOf(theirs) });
    } else {
      throw fail(`the name of ${stage} has no ${LAYER}`, `a key like layer-0/${stage} names the stage of one layer`);
    }
  }
  return {
    tokens,
    positions,
    keyOf(theirs) {
      for (const { name, pattern } of patterns) {
        const layer = pattern.exec(theirs)?.[1];
        if (layer !== undefined) return { name, layer: Number(layer) };
      }
      return fixed.get(theirs) ?? null;
    },
  };
}

/** The same number at every place of the layer. */
function patternOf(theirs: string): RegExp {
  const [first = '', second = '', ...rest] = theirs.split(LAYER).map((part) => RegExp.escape(part));
  return new RegExp(`^${first}(0|[1-9]\\d{0,4})${[second, ...rest].join(String.raw`\1(?!\d)`)}$`);
}

function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && (id as number) >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
