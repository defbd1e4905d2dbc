// What a trace found, and the JSON it is printed as. run.ts makes it, text.ts shows it to people.
import type { RangeReport } from '../../../diagnosis/range/index.ts';
import { stageId, type Model, type NumericProfile, type StatisticsSink } from '../../../engine/index.ts';
import type { ExecutorReport } from '../../../executors.ts';
import type { RenderedPrompt } from '../prompt.ts';
import type { SavedFiles } from './files.ts';
import type { TraceSelection } from './selection.ts';

export interface Trace {
  model: Model;
  executor: ExecutorReport;
  profile: NumericProfile;
  prompt: RenderedPrompt;
  selection: TraceSelection;
  /** By id; null: not asked for. */
  statistics: StatisticsSink['stages'] | null;
  /** Of the last position, largest first; empty where a NaN is among the logits. */
  top: readonly { id: number; text: string; logit: number; probability: number }[];
  /** Where numbers first left their range, and why. */
  outOfRange: RangeReport | null;
  /** All logits of the last position are equal. */
  isFlat: boolean;
  files: SavedFiles | null;
}

/** The stage to look at first when something has overflowed or was broken. */
export function firstNonFinite({ selection, statistics }: Pick<Trace, 'selection' | 'statistics'>): string | null {
  const found = (selection.shown ?? []).map(stageId).find((id) => {
    const counts = statistics?.get(id)?.statistics;
    return counts !== undefined && counts.nanCount + counts.infCount > 0;
  });
  return found ?? null;
}

/** The document of `--json`. */
export async function traceJson({
  model,
  executor,
  profile,
  prompt,
  selection,
  statistics,
  top,
  outOfRange,
  isFlat,
  files,
}: Trace): Promise<object> {
  const { path, config } = model;
  const statisticsOfLayer = (layer: number | null): Record<string, object> =>
    Object.fromEntries(
      (selection.shown ?? [])
        .filter((stage) => stage.layer === layer)
        .flatMap((stage) => {
          const found = statistics?.get(stageId(stage));
          return found === undefined ? [] : [[stage.name, { shape: found.shape, ...found.statistics }]];
        }),
    );
  return {
    schemaVersion: 1,
    kind: 'trace',
    model: { path, sha256: await model.sha256(), architecture: config.architecture },
    executor: { ...executor, profile },
    prompt: { source: prompt.source, text: prompt.text },
    promptIds: prompt.ids,
    tokens: prompt.ids.map((id) => ({ id, text: model.text.tokenText(id) })),
    positions: selection.positions,
    ...(statistics === null
      ? {}
      : {
          layers: selection.layers.map((layer) => ({ layer, stages: statisticsOfLayer(layer) })),
          stages: statisticsOfLayer(null),
          firstNonFinite: firstNonFinite({ selection, statistics }),
        }),
    outOfRange,
    logits: { position: prompt.ids.length - 1, isFlat, top },
    ...(files === null ? {} : { capture: files }),
  };
}
