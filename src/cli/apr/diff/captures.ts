// `apr diff` on two recordings of a run, or with models that are run to be one: opens both, compares every chosen stage.
// captures-text.ts shows.
import { compareCaptures } from '../../../diagnosis/compare/index.ts';
import { openRecording, readStageMap, type Recording } from '../../../diagnosis/recordings/index.ts';
import { parseLayers, parseStages, unaliased } from '../../../engine/index.ts';
import type { ExitCode } from '../../program.ts';
import { printJson, Progress } from '../../terminal.ts';
import { requestedEngine, type EngineFlags } from '../engine-option.ts';
import { EXIT_OF } from './both.ts';
import { printCaptureDifferences } from './captures-text.ts';
import { recordRun } from './live.ts';

export interface CaptureDiffOptions {
  map?: string;
  stage?: string;
  layers?: string;
  limit: number;
  json?: true;
}

export async function diffCaptures(pathA: string, pathB: string, options: CaptureDiffOptions): Promise<ExitCode> {
  const map = options.map === undefined ? null : await readStageMap(options.map);
  return compare(await openRecording(pathA, map), await openRecording(pathB, map), options);
}

/** Of a pair with a model in it; the model is run. */
export async function diffRuns(
  [pathA, pathB]: readonly [string, string],
  isModel: readonly [boolean, boolean],
  options: CaptureDiffOptions & EngineFlags & { tokens?: string },
): Promise<ExitCode> {
  const requested = requestedEngine(options);
  const map = options.map === undefined ? null : await readStageMap(options.map);
  const recorded = isModel.every(Boolean) ? null : await openRecording(isModel[0] ? pathB : pathA, map);
  const like = recorded ?? { tokenList: options.tokens ?? '' };
  const runs: Awaited<ReturnType<typeof recordRun>>[] = [];
  const open = async (path: string): Promise<Recording> => {
    const run = await recordRun(path, requested, like);
    runs.push(run);
    return run.recording;
  };
  try {
    const a = isModel[0] || recorded === null ? await open(pathA) : recorded;
    const b = isModel[1] || recorded === null ? await open(pathB) : recorded;
    return await compare(a, b, options);
  } finally {
    for (const run of runs) await run.close();
  }
}

async function compare(a: Recording, b: Recording, options: CaptureDiffOptions): Promise<ExitCode> {
  const progress = new Progress();
  const comparison = await compareCaptures(a, b, {
    stages: options.stage === undefined ? null : new Set(parseStages(options.stage, '--stage').map(unaliased)),
    layers: options.layers === undefined ? null : new Set(parseLayers(options.layers, layerCount(a, b))),
    limit: options.limit,
    onProgress: (path, done, total) => progress.update(`comparing ${done + 1}/${total} ${path}`),
  });
  progress.clear();
  if (options.json === true) {
    printJson({ schemaVersion: 1, kind: 'captures', a: identity(a), b: identity(b), ...comparison });
  } else {
    printCaptureDifferences(a, b, comparison, options.limit);
  }
  return EXIT_OF[comparison.verdict];
}

/** As many as the recordings show; the model may have more. */
function layerCount(...recordings: readonly Recording[]): number {
  const layers = recordings.flatMap(({ tensors }) => [...tensors.values()].map(({ layer }) => layer ?? 0));
  return layers.reduce((most, layer) => Math.max(most, layer), 0) + 1;
}

function identity({ path, manifest, tokens, positions, tensors }: Recording): object {
  const unsaid = { schemaVersion: 1, model: null, prompt: null, chatTemplateApplied: null, origin: null };
  return { folder: path, ...unsaid, ...manifest, tokens, positions, stageCount: tensors.size };
}
