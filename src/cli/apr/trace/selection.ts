// Which layers, positions and stages a trace is about: options as text -> a checked choice. Nothing is run here.
import { parseWhole } from '../../../decimal.ts';
import { RefuteError } from '../../../errors.ts';
import { parseLayerRange, parseLayers, parseStages, selectStages, STAGE_NAMES } from '../../../engine/index.ts';
import { stageId } from '../../../engine/index.ts';
import type { Executor, FloatArray, Positions, Program, Stage } from '../../../engine/index.ts';
import { isHidden } from '../capture-about.ts';
import type { EngineFlags } from '../engine-option.ts';
import type { PromptFlags } from '../prompt.ts';

export interface TraceOptions extends PromptFlags, EngineFlags {
  payload?: true;
  saveTensor?: string;
  saveTensorDir?: string;
  layers?: string;
  layer?: string;
  saveTensorLayers?: string;
  positions: string;
  json?: true;
}

export interface TraceSelection {
  layers: readonly number[];
  positions: Positions;
  /** Stages whose statistics are shown; null: none. */
  shown: Stage[] | null;
  /** Stages that are written to files; null: none. */
  saved: Stage[] | null;
  /** Names that were asked for one by one and that this model has in no layer. */
  absent: string[];
}

/** @throws RefuteError of the flag that cannot be used */
export function selectForTrace(program: Program, options: TraceOptions): TraceSelection {
  const layers = chooseLayers(options, program.layerCount);
  const positions = parsePositions(options.positions);
  const isShown = options.payload === true || options.saveTensor === undefined;
  const shown = isShown ? selectStages(program, { names: STAGE_NAMES, layers }).stages : null;
  if (options.saveTensor === undefined) return { layers, positions, shown, saved: null, absent: [] };
  const { stages: saved, absent } = selectStages(program, { names: parseStages(options.saveTensor), layers });
  // `all` means what there is.
  const isAll = options.saveTensor.split(',').some((name) => name.trim().toLowerCase() === 'all');
  return { layers, positions, shown, saved, absent: isAll ? [] : absent };
}

/**
 * Without the stages of values that the executor cannot show.
 *
 * @returns `left`: names of the stages that are left out
 * @throws RefuteError E_STAGE_HIDDEN where such a one was asked for by name
 */
export function withoutHidden(
  selection: TraceSelection,
  executor: Pick<Executor<FloatArray>, 'hidden' | 'adapter'>,
  { saveTensor = '' }: Pick<TraceOptions, 'saveTensor'>,
): { selection: TraceSelection; left: string[] } {
  const isLeft = (stage: Stage): boolean => isHidden(stage, executor);
  const asked = new Set(saveTensor.split(',').map((name) => name.trim().toLowerCase()));
  const refused = selection.saved?.find((stage) => isLeft(stage) && asked.has(stage.name));
  if (refused !== undefined) {
    const is = `${executor.adapter ?? 'the engine'} does not show ${stageId(refused)}: it computes it together with what follows`;
    throw new RefuteError({ code: 'E_STAGE_HIDDEN', place: '--save-tensor', is, next: 'Leave it out, or say all' });
  }
  const shown = (stages: Stage[] | null): Stage[] | null => stages?.filter((stage) => !isLeft(stage)) ?? null;
  const left = [...(selection.shown ?? []), ...(selection.saved ?? [])].filter(isLeft).map(({ name }) => name);
  return {
    selection: { ...selection, shown: shown(selection.shown), saved: shown(selection.saved) },
    left: [...new Set(left)],
  };
}

export function chooseLayers(options: TraceOptions, layerCount: number): number[] {
  if (options.layer !== undefined) {
    // The list's parser, held to one number.
    if (parseWhole(options.layer) !== null) return parseLayers(options.layer, layerCount, '--layer');
    const is = `"${options.layer}" is not one layer`;
    const allowed = `a number from 0 to ${layerCount - 1}`;
    const next = 'Several are chosen with --layers 0,1,13..15';
    throw new RefuteError({ code: 'E_LAYERS', place: '--layer', is, allowed, next });
  }
  if (options.saveTensorLayers !== undefined) return parseLayerRange(options.saveTensorLayers, layerCount);
  return parseLayers(options.layers ?? 'all', layerCount);
}

function parsePositions(text: string): Positions {
  if (text === 'all' || text === 'last') return text;
  const is = `"${text}"`;
  throw new RefuteError({ code: 'E_POSITIONS', place: '--positions', is, allowed: 'all or last is needed' });
}
