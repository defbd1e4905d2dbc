// `apr diff` on two recordings of a run: opens both, compares every chosen stage. captures-text.ts shows.
import { compareCaptures } from '../../../diagnosis/compare/index.ts';
import { inRows, namesOfRecording, openRecording, readMaps } from '../../../diagnosis/recordings/index.ts';
import type { Recording } from '../../../diagnosis/recordings/index.ts';
import { parseLayers, parseStages, unaliased } from '../../../engine/index.ts';
import type { ExitCode } from '../../program.ts';
import { printJson, Progress } from '../../terminal.ts';
import { EXIT_OF } from './both.ts';
import { printCaptureDifferences } from './captures-text.ts';

export interface CaptureDiffOptions {
  /** Built-in names and files. */
  map?: string[];
  stage?: string;
  layers?: string;
  limit: number;
  json?: true;
}

export async function diffCaptures(pathA: string, pathB: string, options: CaptureDiffOptions): Promise<ExitCode> {
  const [a, b] = await openBoth(pathA, pathB, options.map ?? []);
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

/** Where names or the order of q and k go by the model, the other recording says what it has. */
async function openBoth(pathA: string, pathB: string, maps: readonly string[]): Promise<[Recording, Recording]> {
  const map = await readMaps(maps);
  const [plainA, plainB] = [await openRecording(pathA, map), await openRecording(pathB, map)];
  const a = await openRecording(pathA, map, namesOfRecording(plainB));
  const b = await openRecording(pathB, map, namesOfRecording(plainA));
  if (a.rotary !== null) return [a, inRows(a.rotary, b)];
  return [b.rotary === null ? a : inRows(b.rotary, a), b];
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
