// `apr diff` on two models: compares config, metadata and tensors, with --values the weights, and shows the result.
import {
  compareModelValues,
  compareModels,
  type ModelComparison,
  type TensorComparison,
  type TensorSummary,
  type TensorValues,
} from '../../diagnosis/index.ts';
import type { Model, Provenance } from '../../engine/index.ts';
import { bytesText, cosineText, countText, plural, smallText } from '../figures.ts';
import { EXIT, type ExitCode } from '../program.ts';
import { formatTable, plainText, printJson, printLine, Progress, style } from '../terminal.ts';
import type { DiffOptions } from './diff.ts';
import { openModelLogged, shapeText } from './open.ts';

export async function diffModels(pathA: string, pathB: string, options: DiffOptions): Promise<ExitCode> {
  const a = await openModelLogged(pathA);
  try {
    const b = await openModelLogged(pathB);
    try {
      return await diffOpened(a, b, options);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

async function diffOpened(a: Model, b: Model, options: DiffOptions): Promise<ExitCode> {
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
    printStructure(a, b, structure, options.limit);
    printValues(values, options);
    printVerdict(verdict, structure, values, options);
  }
  return EXIT_OF[verdict];
}

type Verdict = 'identical' | 'differ' | 'declined';
const EXIT_OF: Readonly<Record<Verdict, ExitCode>> = {
  identical: EXIT.accepted,
  differ: EXIT.rejected,
  declined: EXIT.declined,
};

/** One difference decides. Without one, everything that was asked for must have been looked at. */
function verdictOf(structure: ModelComparison, values: readonly TensorValues[] | null): Verdict {
  if (structure.tensorNameCount === 0) return 'declined';
  const isDifferent = (values ?? []).some(({ comparison }) => comparison !== null && !comparison.bitIdentical);
  if (isDifferent || !structure.isIdentical) return 'differ';
  return (values ?? []).some(({ comparison }) => comparison === null) ? 'declined' : 'identical';
}

async function compareValues(a: Model, b: Model, options: DiffOptions): Promise<TensorValues[]> {
  const progress = new Progress();
  const compared: TensorValues[] = [];
  const stream = compareModelValues(a, b, {
    nameContains: options.tensor,
    limit: options.limit,
    onProgress: (name, done, total) => progress.update(`comparing ${done + 1}/${total} ${name}`),
  });
  for await (const tensor of stream) compared.push(tensor);
  progress.clear();
  return compared;
}

function identity(model: Model): object {
  const { path, format, byteLength, config, tensors } = model;
  return { path, format, byteLength, architecture: config.architecture, tensorCount: tensors.length };
}

function printStructure(a: Model, b: Model, structure: ModelComparison, limit: number): void {
  for (const [side, model] of [['A', a] as const, ['B', b] as const]) {
    const { path, format, config, tensors, byteLength } = model;
    printLine(
      `${side}  ${path}  (${format}, ${config.architecture}, ${plural(tensors.length, 'tensor')}, ${bytesText(byteLength)})`,
    );
  }
  const { config, metadata, tensors, configKeyCount, metadataKeyCount, tensorNameCount } = structure;
  printSection(
    'config',
    config.length,
    configKeyCount,
    'keys',
    ['key', 'A', 'from', 'B', 'from'],
    limit,
    config.map(({ key, a: x, b: y }) => [
      key,
      String(x.value),
      originText(x.provenance),
      String(y.value),
      originText(y.provenance),
    ]),
  );
  printSection(
    'metadata',
    metadata.length,
    metadataKeyCount,
    'keys',
    ['key', 'A', 'B'],
    limit,
    metadata.map(({ key, a: x, b: y }) => [plainText(key), plainText(x ?? '—'), plainText(y ?? '—')]),
  );
  printSection(
    'tensors',
    tensors.length,
    tensorNameCount,
    'names',
    ['tensor', 'difference', 'A', 'B'],
    limit,
    tensors.map(({ name, kind, a: x, b: y }) => [plainText(name), style.yellow(kind), summaryText(x), summaryText(y)]),
  );
}

/** `config: 1 of 17 keys differ`, and the first `limit` of them as a table. */
function printSection(
  title: string,
  differing: number,
  total: number,
  noun: string,
  columns: string[],
  limit: number,
  rows: string[][],
): void {
  printLine();
  if (differing === 0) {
    printLine(`${style.bold(title)}: all ${countText(total)} ${noun} equal`);
    return;
  }
  printLine(`${style.bold(title)}: ${style.yellow(`${countText(differing)} of ${countText(total)} ${noun} differ`)}`);
  printLine(
    formatTable(
      columns.map((column) => ({ title: column })),
      rows.slice(0, limit),
    ),
  );
  printRest(differing, limit);
}

function printRest(count: number, limit: number): void {
  if (count > limit) printLine(style.dim(`… and ${countText(count - limit)} more (--limit ${count} shows all)`));
}

export function originText({ source, detail }: Provenance): string {
  return `${source}: ${detail}`;
}

function summaryText(summary: TensorSummary | null): string {
  return summary === null ? '—' : `${summary.type} ${shapeText(summary.shape)}`;
}

function printValues(values: readonly TensorValues[] | null, options: DiffOptions): void {
  if (values === null) return;
  printLine();
  const compared = values.flatMap(({ comparison, ...tensor }) =>
    comparison === null ? [] : [{ ...tensor, comparison }],
  );
  const differing = compared.filter(({ comparison }) => !comparison.bitIdentical);
  const scope = options.tensor === undefined ? '' : ` whose name contains "${plainText(options.tensor)}"`;
  const outcome = differing.length === 0 ? 'all equal' : style.yellow(`${countText(differing.length)} differ`);
  printLine(`${style.bold('values')}: ${plural(compared.length, 'tensor')}${scope} compared, ${outcome}`);
  const skipped = values.length - compared.length;
  if (skipped > 0)
    printLine(style.yellow(`not compared: ${plural(skipped, 'tensor')} of a type that cannot be decoded here`));
  if (differing.length === 0) return;
  const worstFirst = differing.toSorted((p, q) => relativeSize(q.comparison) - relativeSize(p.comparison));
  const left = ['tensor', 'types', 'shape'].map((title) => ({ title }));
  const right = ['differing', 'max|Δ|', 'at', 'rms Δ', 'NMSE', 'cosine'].map((title) => ({
    title,
    align: 'right' as const,
  }));
  printLine(formatTable([...left, ...right], worstFirst.slice(0, options.limit).map(valueRow)));
  printRest(differing.length, options.limit);
}

type ComparedTensor = Omit<TensorValues, 'comparison'> & { comparison: TensorComparison };

/** Sorts by NMSE, so that tensors of different scale compare; an undefined one counts as infinite. */
function relativeSize({ nmse }: TensorComparison): number {
  // Not Infinity: two of them subtract to NaN.
  return nmse === null || !Number.isFinite(nmse) ? Number.MAX_VALUE : nmse;
}

function valueRow({ name, typeA, typeB, shape, comparison }: ComparedTensor): string[] {
  const { differingCount, elementCount, maxAbsDiff, maxAbsDiffIndex, rmsDiff, nmse, cosine } = comparison;
  return [
    plainText(name),
    typeA === typeB ? typeA : `${typeA} / ${typeB}`,
    shapeText(shape),
    `${((100 * differingCount) / elementCount).toPrecision(3)} %`,
    smallText(maxAbsDiff),
    String(maxAbsDiffIndex ?? '—'),
    smallText(rmsDiff),
    smallText(nmse),
    cosineText(cosine),
  ];
}

function printVerdict(
  verdict: Verdict,
  structure: ModelComparison,
  values: readonly TensorValues[] | null,
  options: DiffOptions,
): void {
  printLine();
  if (verdict === 'declined') {
    const why =
      structure.tensorNameCount > 0
        ? 'some values could not be decoded, the rest is equal'
        : `neither model has a tensor whose name contains "${plainText(options.tensor ?? '')}"`;
    printLine(`${style.yellow('declined')}: ${why}`);
    if (structure.tensorNameCount === 0) printLine('next: apr tensors MODEL lists the names');
    return;
  }
  const scope =
    values === null
      ? 'structure (config, metadata, tensor names, types and shapes)'
      : `structure and the values of ${plural(values.length, 'tensor')}`;
  printLine(verdict === 'identical' ? `${style.green('identical')}: ${scope}` : `${style.red('differ')}: ${scope}`);
  if (structure.config.length > 0) {
    printLine('next: a config difference changes every stage; settle it before looking at values');
  } else if (values === null) {
    printLine('next: --values compares the decoded weights too; nothing above has looked at them');
  }
}
