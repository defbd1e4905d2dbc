// How the comparison of two recordings looks on a terminal: one row per stage in order of execution, the places
// that matter marked, and what to do next.
import { producerOf, type Recording } from '../../../diagnosis/recordings/index.ts';
import type { CaptureComparison, ChoiceComparison, StageComparison } from '../../../diagnosis/compare/index.ts';
import { parseStageId } from '../../../engine/index.ts';
import { cosineText, countText, plural, smallText } from '../../figures.ts';
import { plainText, printLine, printTable, right, style } from '../../terminal.ts';
import { indexText } from './models-text.ts';

export function printCaptureDifferences(
  a: Recording,
  b: Recording,
  comparison: CaptureComparison,
  limit: number,
): void {
  printLine(`${style.bold('A')}  ${describe(a)}`);
  printLine(`${style.bold('B')}  ${describe(b)}`);
  printLine();
  if (comparison.refusals.length > 0) {
    printLine(`${style.yellow('declined')}: the recordings are not like for like`);
    for (const reason of comparison.refusals) printLine(`  ${plainText(reason)}`);
    printLine('next: trace both with the same prompt (--tokens gives exact ids) and the same --positions');
    return;
  }
  if (comparison.stages.length > 0) printStages(comparison);
  printUncompared(comparison, limit);
  if (comparison.choices !== null) printChoices(comparison.choices, limit);
  printLine();
  for (const line of verdictLines(a, b, comparison)) printLine(line);
}

function describe(recording: Recording): string {
  const { path, manifest, tokens, positions } = recording;
  const model = manifest === null ? [] : [`${manifest.model.name} (sha256 ${manifest.model.sha256.slice(0, 12)}…)`];
  const count = tokens === null ? 'tokens not said' : plural(tokens.length, 'token');
  const window = positions === 'all' ? 'all positions' : 'last position only';
  return plainText(`${path}  ${[producerOf(recording), ...model, count, window].join(', ')}`);
}

function printStages({ stages, largestDrop }: CaptureComparison): void {
  const columns = ['stage', 'shape', right('max|Δ|'), right('at'), right('NMSE'), right('cosine'), right('Δcosine')];
  columns.push('positions that differ', '');
  const rows = stages.map((stage) => {
    const mark = stage.path === largestDrop?.path ? style.red(`◀ ${dropText(largestDrop)}`) : '';
    return [...stageCells(stage).map((cell) => (stage.bitIdentical ? style.dim(cell) : cell)), mark];
  });
  printTable(columns, rows);
}

function stageCells(stage: StageComparison): string[] {
  const { path, shape, bitIdentical, maxAbsDiff, maxAbsDiffIndex, nmse, cosine, cosineDelta } = stage;
  if (bitIdentical) return [path, shape.join('×'), '0', '', '0', cosineText(cosine, true), '', 'none, same bits'];
  return [
    path,
    shape.join('×'),
    smallText(maxAbsDiff),
    maxAbsDiffIndex === null ? '' : indexText(maxAbsDiffIndex, shape),
    smallText(nmse),
    cosineText(cosine),
    cosineDelta === null ? '—' : signedText(cosineDelta),
    positionsText(stage),
  ];
}

function signedText(value: number): string {
  const text = smallText(value);
  return value > 0 ? `+${text}` : text;
}

/** `all 7`, `3 of 7: 4, 5, 6`, `4 of 30 from 26`. */
function positionsText({ differingPositions, shape }: StageComparison): string {
  if (differingPositions === null) return '—';
  const total = shape[0] ?? 0;
  if (differingPositions.length === total) return total === 1 ? 'the one captured' : `all ${total}`;
  const shown = differingPositions.slice(0, 4).join(', ');
  return `${differingPositions.length} of ${total}: ${shown}${differingPositions.length > 4 ? ', …' : ''}`;
}

function dropText({ why }: NonNullable<CaptureComparison['largestDrop']>): string {
  return why === 'cosine' ? 'largest drop (heuristic: no error budget yet)' : 'NaN or Inf on one side only begins here';
}

function printUncompared({ onlyInA, onlyInB, shapeMismatches }: CaptureComparison, limit: number): void {
  for (const [side, paths] of [['A', onlyInA] as const, ['B', onlyInB] as const]) {
    if (paths.length === 0) continue;
    const shown = paths.slice(0, limit).join(', ');
    const more = paths.length > limit ? `, … (--limit ${paths.length} shows all)` : '';
    printLine(style.yellow(`not compared, only in ${side}: ${plural(paths.length, 'stage')}: ${shown}${more}`));
  }
  for (const { path, a, b } of shapeMismatches.slice(0, limit)) {
    printLine(style.yellow(`not compared, shapes differ: ${path}: ${a.join('×')} in A, ${b.join('×')} in B`));
  }
}

function printChoices(choices: readonly ChoiceComparison[], limit: number): void {
  const flipped = choices.filter((choice) => !choice.isSameArgmax);
  const overlap = choices.reduce((sum, { topOverlap }) => sum + topOverlap, 0);
  const top = choices.reduce((sum, { topCount }) => sum + topCount, 0);
  printLine();
  const agreement = `argmax agrees at ${choices.length - flipped.length} of ${plural(choices.length, 'position')}`;
  printLine(`${style.bold('logits')}: ${agreement}, top 5 share ${countText(overlap)} of ${countText(top)}`);
  for (const { position, argmaxA, argmaxB, marginA } of flipped.slice(0, limit)) {
    const margin = marginA === null ? '' : `, by a margin of ${smallText(marginA)}`;
    printLine(
      `  position ${position}: A chooses ${argmaxA ?? 'nothing (NaN)'}${margin}; B chooses ${argmaxB ?? 'nothing (NaN)'}`,
    );
  }
  if (flipped.length > limit) printLine(style.dim(`  … and ${flipped.length - limit} more (--limit)`));
}

function verdictLines(a: Recording, b: Recording, comparison: CaptureComparison): string[] {
  const { verdict, stages, firstDifference, shapeMismatches, largestDrop } = comparison;
  const compared = `${plural(stages.length, 'stage')} compared`;
  if (verdict === 'identical') return [`${style.green('identical')}: ${compared}, every bit equal`];
  if (verdict === 'declined') {
    const why =
      shapeMismatches.length > 0 ? 'stages of both have different shapes' : 'no stage of this selection is in both';
    return [`${style.yellow('declined')}: ${compared}; ${why}`];
  }
  const differing = stages.filter((stage) => !stage.bitIdentical).length;
  const place = largestDrop?.path ?? firstDifference ?? '';
  const quiet = 'no cosine falls by more than 1e-8 from one stage to the next (no error budget is applied)';
  return [
    `${style.red('differ')}: ${countText(differing)} of ${compared}, the first is ${firstDifference}`,
    ...(largestDrop === null ? [quiet] : []),
    `next: ${nextCommand(a, b, place)}`,
  ];
}

/** Element by element: of two captures their files, else the one stage. */
function nextCommand(a: Recording, b: Recording, id: string): string {
  const files = [a, b].map(({ form, path, tensors }) =>
    form === 'capture' ? shellWord(`${path}/${tensors.get(id)?.source}`) : null,
  );
  if (!files.includes(null)) return `apr diff ${files.join(' ')} --values`;
  const { name, layer } = parseStageId(id) ?? { name: id, layer: null };
  const layers = layer === null ? '' : ` --layers ${layer}`;
  return `apr diff ${shellWord(a.path)} ${shellWord(b.path)} --stage ${name}${layers} --json`;
}

/** Quoted so that a shell reads it as it is. */
function shellWord(text: string): string {
  return /^[\w./+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
