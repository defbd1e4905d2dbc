// `apr diff` on two recordings of a run, or with models that are run to be one: opens both, compares every chosen stage.
// captures-text.ts shows.
import { compareCaptures } from '../../../diagnosis/compare/index.ts';
import { inRows, namesOfRecording, openRecording, readMaps } from '../../../diagnosis/recordings/index.ts';
import type { Recording } from '../../../diagnosis/recordings/index.ts';
import { parseLayers, parseStages, unaliased } from '../../../engine/index.ts';
import type { ExitCode } from '../../program.ts';
import { printJson, Progress } from '../../terminal.ts';
import { requestedEngine, type EngineFlags } from '../engine-option.ts';
import { EXIT_OF } from './both.ts';
import { printCaptureDifferences } from './captures-text.ts';
import { recordRun, type RunLike } from './live.ts';

export interface CaptureDiffOptions {
  /** Built-in names and files. */
  map?: string[];
  stage?: string;
  layers?: string;
  limit: number;
  json?: true;
}

export async function diffCaptures(pathA: string, pathB: string, options: CaptureDiffOptions): Promise<ExitCode> {
  const map = await readMaps(options.map ?? []);
  const [plainA, plainB] = [await openRecording(pathA, map), await openRecording(pathB, map)];
  const a = await openRecording(pathA, map, namesOfRecording(plainB));
  const b = await openRecording(pathB, map, namesOfRecording(plainA));
  return compare(a, b, options);
}

/** Of a pair with a model in it; the model is run. */
export async function diffRuns(
  [pathA, pathB]: readonly [string, string],
  isModel: readonly [boolean, boolean],
  options: CaptureDiffOptions & EngineFlags & { tokens?: string },
): Promise<ExitCode> {
  const requested = requestedEngine(options);
  const map = await readMaps(options.map ?? []);
  const runs: Awaited<ReturnType<typeof recordRun>>[] = [];
  const run = async (path: string, like: RunLike): Promise<Recording> => {
    const made = await recordRun(path, requested, like);
    runs.push(made);
    return made.recording;
  };
  try {
    if (isModel.every(Boolean)) {
      const like = { tokenList: options.tokens ?? '' };
      return await compare(await run(pathA, like), await run(pathB, like), options);
    }
    const [modelPath, otherPath] = isModel[0] ? [pathA, pathB] : [pathB, pathA];
    const model = await run(modelPath, await openRecording(otherPath, map));
    const other = await openRecording(otherPath, map, namesOfRecording(model));
    return await (isModel[0] ? compare(model, other, options) : compare(other, model, options));
  } finally {
    for (const made of runs) await made.close();
  }
}

/** Where the order of q and k goes by the model, the other recording says what it has. */
async function compare(plainA: Recording, plainB: Recording, options: CaptureDiffOptions): Promise<ExitCode> {
  const a = plainA.rotary === null && plainB.rotary !== null ? inRows(plainB.rotary, plainA) : plainA;
  const b = plainA.rotary === null ? plainB : inRows(plainA.rotary, plainB);
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

function identity({ path, manifest, tokens, positions, tensors, otherNames }: Recording): object {
  const unsaid = { schemaVersion: 1, model: null, prompt: null, chatTemplateApplied: null, origin: null };
  return { folder: path, ...unsaid, ...manifest, tokens, positions, stageCount: tensors.size, otherNames };
}
