// How the comparison of two models looks on a terminal: a table per kind of fact, the verdict, and what to do next.
import type { ConfigDifference, MetadataDifference, ModelComparison } from '../../../diagnosis/compare/index.ts';
import type { TensorComparison, TensorDifference, TensorSummary } from '../../../diagnosis/compare/index.ts';
import type { TensorValues } from '../../../diagnosis/compare/index.ts';
import type { Model } from '../../../engine/index.ts';
import { bytesText, cosineText, countText, plural, smallText } from '../../figures.ts';
import type { DiffVerdict } from './both.ts';
import { plainText, printLine, printTable, right, style, type Column } from '../../terminal.ts';
import { configText, originText, previewText } from '../file-values.ts';
import { shapeText } from '../open.ts';

export interface ModelDiffOptions {
  values?: true;
  tensor?: string;
  limit: number;
  json?: true;
}

interface ModelDifferences {
  a: Model;
  b: Model;
  structure: ModelComparison;
  /** null: not asked for. */
  values: readonly TensorValues[] | null;
  verdict: DiffVerdict;
  options: ModelDiffOptions;
}

export function printModelDifferences({ a, b, structure, values, verdict, options }: ModelDifferences): void {
  for (const [side, { path, format, config, tensors, byteLength }] of [['A', a] as const, ['B', b] as const]) {
    const facts = `${format}, ${config.architecture}, ${plural(tensors.length, 'tensor')}, ${bytesText(byteLength)}`;
    printLine(`${style.bold(side)}  ${plainText(path)}  (${facts})`);
  }
  const { config, configSources, metadata, tensors, configKeyCount, metadataKeyCount, tensorNameCount } = structure;
  const { limit } = options;
  printSection({
    title: 'config',
    of: `${configKeyCount} keys`,
    columns: ['key', 'A', 'from', 'B', 'from'],
    rows: config.map(configRow),
    limit,
  });
  for (const { key, a: inA, b: inB } of configSources) {
    const from = `${originText(inA.provenance)} in A, ${originText(inB.provenance)} in B`;
    printLine(style.yellow(`note: ${key} is ${configText(inA.value)} in both, from ${from}`));
  }
  printSection({
    title: 'metadata',
    of: `${metadataKeyCount} keys`,
    columns: ['key', 'from', 'A', 'B'],
    rows: metadata.map(metadataRow),
    limit,
  });
  printSection({
    title: 'tensors',
    of: `${tensorNameCount} names`,
    columns: ['tensor', 'difference', 'A', 'B'],
    rows: tensors.map(tensorRow),
    limit,
  });
  if (values !== null) printValues(values, options);
  printLine();
  for (const line of verdictLines(verdict, structure, values, options)) printLine(line);
}

/** `config: 1 of 17 keys differ`, and the first `limit` of them as a table. */
function printSection(section: {
  title: string;
  of: string;
  columns: string[];
  rows: string[][];
  limit: number;
}): void {
  const { title, of, columns, rows, limit } = section;
  printLine();
  if (rows.length === 0) {
    printLine(`${style.bold(title)}: ${of.startsWith('0 ') ? 'none' : `all ${of} equal`}`);
    return;
  }
  printLine(`${style.bold(title)}: ${style.yellow(`${countText(rows.length)} of ${of} differ`)}`);
  printRows(columns, rows, limit);
}

function printRows(columns: Column[], rows: string[][], limit: number): void {
  if (limit > 0) printTable(columns, rows.slice(0, limit));
  if (rows.length > limit) {
    printLine(style.dim(`… and ${countText(rows.length - limit)} more (--limit ${rows.length} shows all)`));
  }
}

function configRow({ key, a, b }: ConfigDifference): string[] {
  return [key, configText(a.value), originText(a.provenance), configText(b.value), originText(b.provenance)];
}

function metadataRow({ key, from, a, b }: MetadataDifference): string[] {
  const place = from === undefined ? '' : `${from.unit} ${countText(from.index)}`;
  return [plainText(key), place, previewText(a), previewText(b)];
}

function tensorRow({ name, kind, a, b }: TensorDifference): string[] {
  return [plainText(name), kind === 'type' ? kind : style.red(kind), summaryText(a), summaryText(b)];
}

function summaryText(summary: TensorSummary | null): string {
  return summary === null ? '—' : `${summary.type} ${shapeText(summary.shape)}`;
}

type ComparedTensor = Omit<TensorValues, 'comparison'> & { comparison: TensorComparison };

function printValues(values: readonly TensorValues[], { tensor, limit }: ModelDiffOptions): void {
  const compared = values.flatMap(({ comparison, ...rest }): ComparedTensor[] =>
    comparison === null ? [] : [{ ...rest, comparison }],
  );
  const differing = compared
    .filter(({ comparison }) => !comparison.bitIdentical)
    .toSorted((p, q) => relativeSize(q.comparison) - relativeSize(p.comparison));
  const scope = tensor === undefined ? '' : ` whose name contains "${plainText(tensor)}"`;
  const outcome =
    differing.length === 0
      ? 'all equal'
      : style.yellow(
          `${countText(differing.length)} ${differing.length === 1 ? 'differs' : 'differ'}, largest NMSE first`,
        );
  printLine();
  printLine(`${style.bold('values')}: ${plural(compared.length, 'tensor')}${scope} compared, ${outcome}`);
  const skippedCount = values.length - compared.length;
  if (skippedCount > 0) {
    printLine(style.yellow(`not compared: ${plural(skippedCount, 'tensor')} of a type that cannot be decoded here`));
  }
  if (differing.length === 0) return;
  const figures = ['differing', 'max|Δ|', 'at', 'rms Δ', 'NMSE', 'cosine'].map(right);
  printRows(['tensor', 'types', 'shape', ...figures], differing.map(valueRow), limit);
}

/** Sorts by NMSE, so that tensors of different scale compare; one without a value is infinitely far. */
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
    `${countText(differingCount)} of ${countText(elementCount)}`,
    smallText(maxAbsDiff),
    maxAbsDiffIndex === null ? '—' : indexText(maxAbsDiffIndex, shape),
    smallText(rmsDiff),
    smallText(nmse),
    cosineText(cosine),
  ];
}

/** An element's place: `[row, column]`. */
export function indexText(index: number, shape: readonly number[]): string {
  let rest = index;
  const place = shape.toReversed().map((extent) => {
    const coordinate = rest % extent;
    rest = Math.floor(rest / extent);
    return coordinate;
  });
  return shapeText(place.toReversed());
}

function verdictLines(
  verdict: DiffVerdict,
  structure: ModelComparison,
  values: readonly TensorValues[] | null,
  options: ModelDiffOptions,
): string[] {
  if (structure.tensorNameCount === 0) {
    const filter = options.tensor === undefined ? '' : ` whose name contains "${plainText(options.tensor)}"`;
    return [
      `${style.yellow('declined')}: neither model has a tensor${filter}`,
      'next: apr tensors MODEL lists the names',
    ];
  }
  if (verdict === 'declined') {
    return [`${style.yellow('declined')}: nothing differs so far, but some values could not be decoded`];
  }
  const unseen = 'next: --values compares the decoded weights too; nothing above has looked at them';
  if (verdict === 'identical') {
    const scope = 'structure (config, metadata, tensor names, types and shapes)';
    return values === null
      ? [`${style.green('identical')}: ${scope}`, unseen]
      : [`${style.green('identical')}: structure and the values of ${plural(values.length, 'tensor')}`];
  }
  const lines = [`${style.red('differ')}: ${differenceCounts(structure, values).join(', ')}`];
  if (structure.config.length > 0) {
    lines.push('next: a config difference changes every stage; settle it before looking at values');
  } else if (values === null) {
    lines.push(unseen);
  }
  return lines;
}

/** `2 metadata keys`, `types or shapes of 29 tensors`: the differences behind the verdict "differ". */
function differenceCounts(
  { config, metadata, tensors }: ModelComparison,
  values: readonly TensorValues[] | null,
): string[] {
  const valueCount = (values ?? []).filter(({ comparison }) => comparison !== null && !comparison.bitIdentical).length;
  return [
    config.length === 0 ? [] : [plural(config.length, 'config key')],
    metadata.length === 0 ? [] : [plural(metadata.length, 'metadata key')],
    tensors.length === 0 ? [] : [`presence, type or shape of ${plural(tensors.length, 'tensor')}`],
    valueCount === 0 ? [] : [`values of ${plural(valueCount, 'tensor')}`],
  ].flat();
}
