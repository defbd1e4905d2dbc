// `apr diff` on two APRT stage files. Without --values the headers only; with it every element, in chunks, so that two
// files of any length fit into memory. The JSON keeps the meaning of the original tool's fields, in camelCase.
import { TensorComparer, type Divergence, type TensorComparison } from '../../../diagnosis/compare/index.ts';
import { APRT_HEADER_BYTES, parseAprtHeader, openFile } from '../../../engine/index.ts';
import type { AprtHeader, ByteSource } from '../../../engine/index.ts';
import { cosineText, countText, float32Text, smallText } from '../../figures.ts';
import type { ExitCode } from '../../program.ts';
import { plainText, printJson, printLine, printTable, right, style } from '../../terminal.ts';
import { EXIT_OF, withBoth, type DiffVerdict } from './both.ts';

export interface StageFileDiffOptions {
  values?: true;
  limit: number;
  json?: true;
}

export async function diffStageFiles(pathA: string, pathB: string, options: StageFileDiffOptions): Promise<ExitCode> {
  return withBoth(openFile, [pathA, pathB], (a, b) => diffOpened(a, b, options));
}

interface StagePair {
  pathA: string;
  pathB: string;
  headerA: AprtHeader;
  headerB: AprtHeader;
  /** Why the values may not be compared; empty where they may. */
  refusals: string[];
  /** null: refused, or not asked for. */
  comparison: TensorComparison | null;
}

async function diffOpened(a: ByteSource, b: ByteSource, options: StageFileDiffOptions): Promise<ExitCode> {
  const headerA = await readHeader(a);
  const headerB = await readHeader(b);
  const refusals = whyNotComparable(headerA, headerB);
  const isWanted = options.values === true && refusals.length === 0 && headerA.elementCount > 0;
  const comparison = isWanted ? await compareBodies(a, b, headerA.elementCount, options.limit) : null;
  const pair: StagePair = { pathA: a.path, pathB: b.path, headerA, headerB, refusals, comparison };
  // Equal headers say nothing about the values, and a file without values has none to agree on.
  const verdict = comparison === null ? 'declined' : comparison.bitIdentical ? 'identical' : 'differ';
  if (options.json === true) printJson(asJson(pair, verdict));
  else printPair(pair, verdict, options);
  return EXIT_OF[verdict];
}

async function readHeader(source: ByteSource): Promise<AprtHeader> {
  const bytes = new Uint8Array(Math.min(APRT_HEADER_BYTES, source.byteLength));
  await source.read(0, bytes);
  return parseAprtHeader(bytes, source.byteLength, source.path);
}

function whyNotComparable(a: AprtHeader, b: AprtHeader): string[] {
  const reasons: string[] = [];
  if (a.layer !== b.layer) reasons.push(`A is of ${layerText(a.layer)}, B of ${layerText(b.layer)}`);
  if (a.elementCount !== b.elementCount) {
    reasons.push(`A has ${countText(a.elementCount)} elements, B has ${countText(b.elementCount)}`);
  }
  return reasons;
}

/** Elements per chunk and side: 4 MiB. */
const CHUNK_ELEMENTS = 1 << 20;

async function compareBodies(
  a: ByteSource,
  b: ByteSource,
  elementCount: number,
  limit: number,
): Promise<TensorComparison> {
  const comparer = new TensorComparer(limit);
  for (let done = 0; done < elementCount; done += CHUNK_ELEMENTS) {
    const count = Math.min(CHUNK_ELEMENTS, elementCount - done);
    const [chunkA, chunkB] = [new Float32Array(count), new Float32Array(count)];
    // Little-endian in the file and, as WebAssembly demands of us anyway, in memory.
    await a.read(APRT_HEADER_BYTES + done * 4, new Uint8Array(chunkA.buffer));
    await b.read(APRT_HEADER_BYTES + done * 4, new Uint8Array(chunkB.buffer));
    comparer.add(chunkA, chunkB);
  }
  return comparer.finish();
}

function asJson({ pathA, pathB, headerA, headerB, refusals, comparison }: StagePair, verdict: DiffVerdict): object {
  const header = {
    schemaVersion: 1,
    kind: 'stage-files',
    verdict,
    refusals,
    pathA,
    pathB,
    layer: headerA.layer ?? 'whole-model',
  };
  const other = { layerB: headerB.layer ?? 'whole-model', dimProductB: headerB.elementCount };
  if (comparison === null) return { ...header, dimProduct: headerA.elementCount, ...other, valuesCompared: false };
  const { elementCount: _, cosine, divergences, ...rest } = comparison;
  return {
    ...header,
    dimProduct: headerA.elementCount,
    ...other,
    valuesCompared: true,
    ...rest,
    cosineSim: cosine,
    topDiffs: divergences,
  };
}

function printPair(
  { pathA, pathB, headerA, headerB, refusals, comparison }: StagePair,
  verdict: DiffVerdict,
  options: StageFileDiffOptions,
): void {
  const row = (side: string, path: string, { layer, elementCount }: AprtHeader): string[] => [
    style.bold(side),
    plainText(path),
    layerText(layer),
    countText(elementCount),
  ];
  printTable(['', 'file', 'of', right('elements')], [row('A', pathA, headerA), row('B', pathB, headerB)]);
  printLine();
  if (comparison !== null) printComparison(comparison);
  for (const line of verdictLines(verdict, refusals, headerA, options)) printLine(line);
}

function layerText(layer: number | null): string {
  return layer === null ? 'whole model' : `layer ${layer}`;
}

function printComparison(comparison: TensorComparison): void {
  const { differingCount, elementCount, maxAbsDiff, maxAbsDiffIndex, rmsDiff, nmse, cosine, cosineUndefined } =
    comparison;
  const facts: [string, string][] = [
    ['differing', `${countText(differingCount)} of ${countText(elementCount)} elements`],
    ['max|Δ|', `${smallText(maxAbsDiff)}${maxAbsDiffIndex === null ? '' : ` at element ${maxAbsDiffIndex}`}`],
    ['rms Δ', smallText(rmsDiff)],
    ['NMSE', `${smallText(nmse)}${nmse === null ? ' (A is all zeros)' : ''}`],
    ['cosine', cosineUndefined === null ? cosineText(cosine, comparison.bitIdentical) : `— (${cosineUndefined})`],
    ...nonFiniteFacts(comparison),
  ];
  for (const [label, text] of facts) printLine(`${label.padEnd(10)}  ${text}`);
  printLine();
  if (comparison.divergences.length === 0) return;
  const columns = ['element', 'A', 'B', '|Δ|', 'bits of A', 'bits of B'].map(right);
  printTable(columns, comparison.divergences.map(divergenceRow));
  const rest = differingCount - comparison.divergences.length;
  if (rest > 0) printLine(style.dim(`… and ${countText(rest)} smaller (--limit)`));
  printLine();
}

function nonFiniteFacts({ nanInA, nanInB, infInA, infInB, nonFiniteMismatches }: TensorComparison): [string, string][] {
  if (nanInA + nanInB + infInA + infInB === 0) return [];
  const counts = `NaN ${countText(nanInA)} in A, ${countText(nanInB)} in B; Inf ${countText(infInA)} in A, ${countText(infInB)} in B`;
  const mismatches = `${countText(nonFiniteMismatches)} unequal`;
  return [['non-finite', `${counts}; ${nonFiniteMismatches > 0 ? style.red(mismatches) : mismatches}`]];
}

function divergenceRow({ index, a, b, absDiff, bitsA, bitsB }: Divergence): string[] {
  return [String(index), float32Text(a), float32Text(b), smallText(absDiff), bitsA, bitsB];
}

function verdictLines(
  verdict: DiffVerdict,
  refusals: readonly string[],
  header: AprtHeader,
  options: StageFileDiffOptions,
): string[] {
  if (verdict === 'identical') return [`${style.green('identical')}: every bit equal`];
  if (verdict === 'differ') {
    return [style.red('differ'), 'next: apr diff on the two capture folders shows the stage where it begins'];
  }
  const label = style.yellow('declined');
  if (refusals.length > 0)
    return [`${label}: ${refusals.join('; ')}`, 'next: compare two files of one stage and one prompt'];
  if (header.elementCount === 0) return [`${label}: the files hold no element`];
  if (options.values === true) return [`${label}: nothing was compared`];
  return [`${label}: the headers agree, no value was compared`, 'next: --values compares every element'];
}
