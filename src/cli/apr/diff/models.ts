// `apr diff` on two models: config, metadata, tensors, with --values the decoded weights. models-text.ts shows.
import { compareModels, compareModelValues } from '../../../diagnosis/compare/index.ts';
import type { ModelComparison, TensorValues } from '../../../diagnosis/compare/index.ts';
import type { Model } from '../../../engine/index.ts';
import type { ExitCode } from '../../program.ts';
import { plainText, printJson, Progress } from '../../terminal.ts';
import { EXIT_OF, withBoth, type DiffVerdict } from './both.ts';
import { printModelDifferences, type ModelDiffOptions } from './models-text.ts';
import { openModelLogged } from '../open.ts';

export async function diffModels(pathA: string, pathB: string, options: ModelDiffOptions): Promise<ExitCode> {
  return withBoth(openModelLogged, [pathA, pathB], async (a, b) => EXIT_OF[await diffOpened(a, b, options)]);
}

async function diffOpened(a: Model, b: Model, options: ModelDiffOptions): Promise<DiffVerdict> {
  const structure = compareModels(a, b, options.tensor);
  const values = options.values === true ? await compareValues(a, b, options) : null;
  const verdict = verdictOf(structure, values);
  if (options.json === true) {
    printJson({
      schemaVersion: 1,
      kind: 'models',
      verdict,
      a: identity(a),
      b: identity(b),
      ...structure,
      valuesCompared: values !== null,
      values:
        values?.map(({ comparison, ...tensor }) => ({ ...tensor, ...(comparison ?? { notDecodable: true }) })) ?? [],
    });
  } else {
    printModelDifferences({ a, b, structure, values, verdict, options });
  }
  return verdict;
}

/** One difference decides. Without one, everything that was asked for must have been looked at. */
function verdictOf(structure: ModelComparison, values: readonly TensorValues[] | null): DiffVerdict {
  if (structure.tensorNameCount === 0) return 'declined';
  const isDifferent = (values ?? []).some(({ comparison }) => comparison !== null && !comparison.bitIdentical);
  if (isDifferent || !structure.isIdentical) return 'differ';
  return (values ?? []).some(({ comparison }) => comparison === null) ? 'declined' : 'identical';
}

async function compareValues(a: Model, b: Model, options: ModelDiffOptions): Promise<TensorValues[]> {
  const progress = new Progress();
  const compared: TensorValues[] = [];
  const stream = compareModelValues(a, b, {
    nameContains: options.tensor,
    limit: options.limit,
    onProgress: (name, done, total) => progress.update(`comparing ${done + 1}/${total} ${plainText(name)}`),
  });
  for await (const tensor of stream) compared.push(tensor);
  progress.clear();
  return compared;
}

function identity(model: Model): object {
  const { path, format, byteLength, config, tensors } = model;
  return { path, format, byteLength, architecture: config.architecture, tensorCount: tensors.length };
}
