// What a person asks to capture, as text -> stages of a program. Every list is checked whole; nothing is guessed.
import { parseWhole } from '../../decimal.ts';
import { RefuteError } from '../../errors.ts';
import { nearest } from '../../near-miss.ts';
import { quoted } from '../formats/quoted.ts';
import type { Program, Stage } from '../program/program.ts';
import { inOrder, isStageName, OTHER_VALUES, parseStageId, STAGE_ALIASES, STAGE_NAMES } from '../program/stages.ts';
import { stageId, unaliased } from '../program/stages.ts';

export type Positions = 'all' | 'last';

/**
 * `attn_norm, FFN_OUT` -> names of stages or values in the order of execution, each once. `all` is all stages; an
 * alias stays as it was written.
 *
 * @param place the flag, for messages
 * @throws RefuteError E_STAGE_EMPTY, E_STAGE_UNKNOWN
 */
export function parseStages(text: string, place = '--save-tensor'): string[] {
  const names = new Set<string>();
  for (const token of text.split(',')) {
    const name = token.trim().toLowerCase();
    if (name === '') {
      const is = `${quoted(text)} has an empty name`;
      throw new RefuteError({ code: 'E_STAGE_EMPTY', place, is, allowed: 'names are separated by single commas' });
    }
    if (name === 'all') {
      for (const known of STAGE_NAMES) names.add(known);
      continue;
    }
    if (!isStepName(name)) throw unknownStage(place, name);
    names.add(name);
  }
  return [...names].toSorted((a, b) => inOrder({ name: a, layer: null }, { name: b, layer: null }));
}

/** Is it a stage, an alias of one, or a value? */
export function isStepName(name: string): boolean {
  return isStageName(unaliased(name)) || Object.hasOwn(OTHER_VALUES, name);
}

function unknownStage(place: string, name: string): RefuteError {
  const known = [...STAGE_NAMES, ...Object.keys(STAGE_ALIASES), 'all', ...Object.keys(OTHER_VALUES)];
  const meant = nearest(name, known);
  const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  const is = `${quoted(name)} is not a stage or value${hint}`;
  const allowed = `there are ${known.join(', ')}`;
  // A report prints ids; here a name is asked for, and the layer is a flag of its own.
  const id = parseStageId(name);
  const isId = id !== null && id.layer !== null && isStepName(id.name);
  const next = isId ? { next: `Say "${place} ${id.name} --layers ${id.layer}"` } : {};
  return new RefuteError({ code: 'E_STAGE_UNKNOWN', place, is, allowed, ...next });
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
    const ends = token.split('..').map((end) => parseWhole(end.trim()));
    const [first = null, last = first] = ends;
    if (ends.length > 2 || first === null || last === null || last < first || last >= layerCount) {
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
  const ends = text.split('..').map((end) => parseWhole(end.trim()));
  const [start = null, end = null] = ends;
  if (ends.length !== 2 || start === null || end === null || end <= start || end > layerCount) {
    throw layersError(place, text, `START..END with 0 <= START < END <= ${layerCount} is needed, END not included`);
  }
  return range(start, end);
}

/**
 * The program's stages of these names, in the order of execution. A value is a stage of its own here, and so is an
 * alias, under the name that was asked for. Whole-model stages are not bound to a layer.
 *
 * @returns `absent`: names that the program has in no layer, such as `qkv_bias` without biases
 * @throws RefuteError E_SELECTION_EMPTY (declined, exit 2)
 */
export function selectStages(
  program: Program,
  of: { names: readonly string[]; layers: readonly number[] },
): { stages: Stage[]; absent: string[] } {
  const layers = new Set(of.layers);
  const all = [...stagesById(program).values()];
  const named = of.names.flatMap((name) =>
    all
      .filter((stage) => stage.name === unaliased(name))
      .map((stage) => (stage.name === name ? stage : { ...stage, name })),
  );
  const stages = named.filter(({ layer }) => layer === null || layers.has(layer)).toSorted(inOrder);
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

/** Everything that can be captured, in order of execution: the stages, and each value that is not a stage. */
export function stagesById({ stages, values }: Program): Map<string, Stage> {
  const all = new Map(stages.map((stage) => [stageId(stage), stage]));
  for (const { id, layer } of values) {
    const name = parseStageId(id)?.name ?? id;
    if (!all.has(id)) all.set(id, { name, layer, source: { from: 'value', value: id } });
  }
  return new Map([...all].toSorted(([, a], [, b]) => inOrder(a, b)));
}

function layersError(place: string, token: string, allowed: string): RefuteError {
  return new RefuteError({ code: 'E_LAYERS', place, is: `${quoted(token)} cannot be used`, allowed });
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}
