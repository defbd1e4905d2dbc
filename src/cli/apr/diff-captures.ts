// `apr diff` on two capture folders: reads both manifests, compares every chosen stage, decides the exit code.
// diff-captures-text.ts shows.
import { compareCaptures, type CaptureComparison } from '../../diagnosis/compare/index.ts';
import { parseLayers, parseStages, readCapture, type Capture } from '../../engine/index.ts';
import { EXIT, type ExitCode } from '../program.ts';
import { printJson, Progress } from '../terminal.ts';
import { printCaptureDifferences } from './diff-captures-text.ts';
import type { DiffOptions } from './diff.ts';

const EXIT_OF: Readonly<Record<CaptureComparison['verdict'], ExitCode>> = {
  identical: EXIT.accepted,
  differ: EXIT.rejected,
  declined: EXIT.declined,
};

export async function diffCaptures(folderA: string, folderB: string, options: DiffOptions): Promise<ExitCode> {
  const a = await readCapture(folderA);
  const b = await readCapture(folderB);
  const progress = new Progress();
  const comparison = await compareCaptures(a, b, {
    stages: options.stage === undefined ? null : new Set(parseStages(options.stage, '--stage')),
    layers: options.layers === undefined ? null : new Set(parseLayers(options.layers, layerCount(a, b))),
    limit: options.limit,
    onProgress: (path, done, total) => progress.update(`comparing ${done + 1}/${total} ${path}`),
  });
  progress.clear();
  if (options.json === true) {
    printJson({ schemaVersion: 1, kind: 'captures', a: identity(a), b: identity(b), ...comparison });
  } else {
    printCaptureDifferences(a, b, comparison, options);
  }
  return EXIT_OF[comparison.verdict];
}

/** The number of layers that the captures show; the model may have more. */
function layerCount(...captures: readonly Capture[]): number {
  const layers = captures.flatMap(({ manifest }) => Object.values(manifest.files).map(({ layer }) => layer ?? 0));
  return layers.reduce((most, layer) => Math.max(most, layer), 0) + 1;
}

function identity({ folder, manifest: { files, ...rest } }: Capture): object {
  return { folder, ...rest, stageCount: Object.keys(files).length };
}
