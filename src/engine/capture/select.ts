// What a person asks to capture, as text -> stages of a program. Every list is checked whole; nothing is guessed.
import { RefuteError } from '../../errors.ts';
import { nearest } from '../../near-miss.ts';
import { quoted } from '../formats/quoted.ts';
import type { Program, Stage } from '../program/program.ts';
import { isStageName, STAGE_ALIASES, STAGE_NAMES, stageRank, type StageName } from '../program/stages.ts';

export type Positions = 'all' | 'last';

/**
 * `attn_norm, FFN_OUT` -> names in canonical order, each once. `all` is all of them; aliases are resolved.
 *
 * @param place the flag, for messages
 * @throws RefuteError E_STAGE_EMPTY, E_STAGE_UNKNOWN
 */
export function parseStages(text: string, place = '--save-tensor'): StageName[] {
  const names = new Set<StageName>();
  for (const token of text.split(',')) {
    const name = token.trim().toLowerCase();
    if (name === '') {
      throw new RefuteError({
        code: 'E_STAGE_EMPTY',
        place,
        is: `${quoted(text)} has an empty name`,
        allowed: 'names are separated by single commas',
      });
    }
    if (name === 'all') {
      for (const known of STAGE_NAMES) names.add(known);
      continue;
    }
    const resolved = Object.hasOwn(STAGE_ALIASES, name) ? STAGE_ALIASES[name] : name;
    if (resolved === undefined || !isStageName(resolved)) throw unknownStage(place, name);
    names.add(resolved);
  }
  return [...names].toSorted((a, b) => stageRank(a) - stageRank(b));
}

function unknownStage(place: string, name: string): RefuteError {
  const known = [...STAGE_NAMES, ...Object.keys(STAGE_ALIASES), 'all'];
  const meant = nearest(name, known);
  const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  return new RefuteError({
    code: 'E_STAGE_UNKNOWN',
    place,
    is: `${quoted(name)} is not a stage${hint}`,
    allowed: `there are ${known.join(', ')}`,
  });
}

/**
 * `0,1,13..15` -> 0, 1, 13, 14, 15: both ends of a range belong to it. `all` is every layer.
 *
 * @throws RefuteError E_LAYERS
 */
export function parseLayers(text: string, layerCount: number, place = '--layers'): number[] {
  if (text.trim().toLowerCase() === 'all') return range(0, layerCount);
  const layers = new Set<number>();
  for (const token of text.split(',')) {
    const match = /^\s*(\d{1,9})(?:\s*\.\.\s*(\d{1,9}))?\s*$/.exec(token);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first || last >= layerCount) {
      throw layersError(
        place,
        token,
        `a list like 0,1,13..15 of layers from 0 to ${layerCount - 1} is needed, the end of a range included`,
      );
    }
    for (const layer of range(first, last + 1)) layers.add(layer);
  }
  return [...layers].toSorted((a, b) => a - b);
}

/** `START..END` of the older flag `--save-tensor-layers`: END does not belong to it. @throws RefuteError E_LAYERS */
export function parseLayerRange(text: string, layerCount: number, place = '--save-tensor-layers'): number[] {
  const match = /^\s*(\d{1,9})\s*\.\.\s*(\d{1,9})\s*$/.exec(text);
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || end <= start || end > layerCount) {
    throw layersError(place, text, `START..END with 0 <= START < END <= ${layerCount} is needed, END not included`);
  }
  return range(start, end);
}

/**
 * The program's stages of these names, in canonical order. Whole-model stages are not bound to a layer.
 *
 * @returns `absent`: names that the program has in no layer, such as `qkv_bias` without biases
 * @throws RefuteError E_SELECTION_EMPTY (declined, exit 2)
 */
export function selectStages(
  program: Program,
  of: { names: readonly StageName[]; layers: readonly number[] },
): { stages: Stage[]; absent: StageName[] } {
  const layers = new Set(of.layers);
  const named = program.stages.filter((stage) => of.names.some((name) => name === stage.name));
  const stages = named.filter(({ layer }) => layer === null || layers.has(layer));
  if (stages.length === 0) {
    throw new RefuteError(
      {
        code: 'E_SELECTION_EMPTY',
        place: 'stages',
        is: `no stage of this ${program.architecture} program is called ${of.names.join(', ')} in the layers ${of.layers.join(', ')}`,
      },
      2,
    );
  }
  return { stages, absent: of.names.filter((name) => !named.some((stage) => stage.name === name)) };
}

function layersError(place: string, token: string, allowed: string): RefuteError {
  return new RefuteError({ code: 'E_LAYERS', place, is: `${quoted(token)} cannot be used`, allowed });
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}
