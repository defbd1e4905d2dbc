// How a check looks on a terminal: the verdict first, then the table along depth, the worst place, who vouches for the
// program, and what this input could not have shown.
import { judgementOf, type CheckReport, type OpResult } from '../../../diagnosis/index.ts';
import type { NameReport } from '../../../diagnosis/recordings/index.ts';
import type { Model } from '../../../engine/index.ts';
import type { ExecutorReport } from '../../../executors.ts';
import { cosineText, countText, plural, rhoText, smallText } from '../../figures.ts';
import { plainText, printLine, printTable, right, style } from '../../terminal.ts';
import { ranText } from '../engine-option.ts';
import type { RenderedPrompt } from '../prompt.ts';

/** A check as it is shown. */
export interface ShownCheck {
  model: Model;
  original: Model | null;
  engine: ExecutorReport | { dump: string; names: NameReport };
  prompt: Pick<RenderedPrompt, 'ids' | 'source' | 'text'>;
  report: CheckReport;
}

const COLOUR = { PASS: style.green, BUG: style.red, SUSPECT: style.yellow, INCONCLUSIVE: style.yellow } as const;

export function printCheck({ model, original, engine, prompt, report }: ShownCheck, flags: { all?: true }): void {
  const { verdict, sentence, coverage, results, arithmetic, verification } = report;
  printLine(style.bold(COLOUR[verdict](plainText(sentence))));
  printFormats(report);
  printLine();
  printLine(`${style.bold('model')}     ${plainText(model.path)}`);
  if (original !== null) printLine(`${style.bold('original')}  ${plainText(original.path)}`);
  const ran = 'dump' in engine ? engine.dump : ranText(engine);
  printLine(`${style.bold('engine')}    ${plainText(ran)}, budgets of ${arithmetic.name}`);
  printLine(`${style.bold('prompt')}    ${plural(prompt.ids.length, 'token')}: ${prompt.ids.join(', ')}`);
  printLine(`${style.bold('program')}   ${verificationText(verification)}`);
  printLine(
    `${style.bold('judged')}    ${coverage.judgedOps} of ${coverage.opCount} ops, ${countText(coverage.elementCount)} elements`,
  );
  for (const { notice } of report.oddWeights) printLine(`${style.bold('weights')}   ${plainText(notice.message)}`);
  if ('dump' in engine) printNames(engine.names);
  printLine();
  printOps(rowsToShow(report, flags.all === true), original !== null);
  printStretches(report, 'dump' in engine ? engine.names : null);
  printWorst(results);
  printLine();
  printLine(style.bold('what this input could not have shown'));
  for (const spot of report.blindSpots) printLine(`  ${plainText(spot)}`);
}

/** What had to be found out, and where an op needed something else. */
function printFormats({ inferred }: CheckReport): void {
  if (inferred.length === 0) return;
  printLine(`formats, inferred: ${inferredTexts(inferred).join('; ')}`);
  for (const { others, text } of inferred) {
    for (const other of others.slice(0, 3)) {
      printLine(style.yellow(`  ${other.value} is explained by ${other.text}, where others have ${text}`));
    }
    if (others.length > 3) printLine(style.yellow(`  and ${others.length - 3} more`));
  }
}

/** Of a list that may be long. */
const SHOWN_NAMES = 3;

function printNames({ unknown, absent }: NameReport): void {
  if (unknown.length > 0) {
    const names = unknown.toSorted((a, b) => Number(a.meant === null) - Number(b.meant === null));
    const shown = names.map(({ name, meant }) => `${name}${meant === null ? '' : ` (${meant}?)`}`);
    printLine(`${style.bold('unknown')}   ${plural(unknown.length, 'name')} in the dump: ${firstOf(shown)}`);
  }
  if (absent.length > 0) {
    const values = absent.toSorted((a, b) => Number(a.nearest === null) - Number(b.nearest === null));
    const shown = values.map(({ value, nearest }) => `${value}${nearest === null ? '' : ` (is it ${nearest}?)`}`);
    printLine(`${style.bold('absent')}    ${plural(absent.length, 'value')} of the model: ${firstOf(shown)}`);
  }
}

function firstOf(names: readonly string[]): string {
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  return plainText(`${names.slice(0, SHOWN_NAMES).join(', ')}${more}`);
}

/** A format once, with all that it is for; with the numbers of rows where an engine has several by that. */
function inferredTexts(inferred: CheckReport['inferred']): string[] {
  const byText = new Map<string, CheckReport['inferred']>();
  for (const one of inferred) byText.set(one.text, [...(byText.get(one.text) ?? []), one]);
  return [...byText].map(([text, all]) => {
    const types = [...new Set(all.flatMap(({ of }) => of ?? []))];
    const isOnly = all.every((one) => !inferred.some((other) => other.text !== text && isLike(one, other)));
    const rows = [...new Set(all.map((one) => one.rows))].toSorted((a, b) => a - b);
    const ofRows = isOnly ? '' : ` (${rows.join(', ')} ${rows.join() === '1' ? 'row' : 'rows'})`;
    return `${text}${types.length === 0 ? '' : ` for ${types.join(', ')}`}${ofRows}`;
  });
}

function isLike(a: CheckReport['inferred'][number], b: CheckReport['inferred'][number]): boolean {
  return a.part === b.part && a.of === b.of;
}

function verificationText({ status, says }: CheckReport['verification']): string {
  const text = plainText(says);
  if (status === 'verified') return style.green(`verified against ${text}`);
  return status === 'refuted' ? style.red(`REFUTED: ${text}`) : style.yellow(`UNVERIFIED: ${text}`);
}

/** All, or the most suspicious op of each layer, and every op of the layer with the first fault. */
function rowsToShow({ results, at }: CheckReport, isAll: boolean): OpResult[] {
  if (isAll) return [...results];
  const shown = new Set<OpResult>();
  for (const layer of new Set(results.map((result) => result.layer))) {
    const ops = results.filter((result) => result.layer === layer);
    const worst = ops.toSorted((a, b) => severity(b) - severity(a))[0];
    const last = ops.at(-1);
    for (const op of layer === null || layer === at?.layer ? ops : [worst, last]) if (op !== undefined) shown.add(op);
  }
  return results.filter((result) => shown.has(result));
}

function severity({ status, op, rhoExpected, rhoProven }: OpResult): number {
  if (status !== 'healthy') return (status === 'faulty' ? 1e300 : 1e200) + Math.min(rhoProven, 1e100);
  // Ops whose every result is rounded once always come near 1; while all is well they are the least interesting.
  return judgementOf(op).isRoundedOnce ? rhoExpected / 1e6 : rhoExpected;
}

function printOps(rows: readonly OpResult[], hasOriginal: boolean): void {
  const against = hasOriginal ? 'vs original' : 'vs float64';
  const columns = [
    'stage',
    'op',
    right(`cosine ${against}`),
    right('NMSE'),
    right('max|Δ|'),
    right('rho'),
    right('proven'),
    ...(hasOriginal ? [right('quantisation'), right('formats'), right('residual')] : []),
    '',
  ];
  const cells = rows.map((row) => tableRow(row, hasOriginal));
  printTable(columns, cells);
}

function tableRow({ value, op, split, rhoExpected, rhoProven, status }: OpResult, hasOriginal: boolean): string[] {
  const shares = split?.shares;
  const mark = status === 'faulty' ? style.red('◀ BUG') : status === 'suspect' ? style.yellow('◀ SUSPECT') : '';
  return [
    value,
    op,
    cosineText(split?.cosine ?? null, split?.maxAbsDiff === 0),
    smallText(split?.nmse ?? null),
    smallText(split?.maxAbsDiff ?? null),
    rhoText(rhoExpected),
    rhoText(rhoProven),
    ...(hasOriginal
      ? [shares?.weightQuantization, shares?.declaredFormats, shares?.residual].map((share) => percentText(share))
      : []),
    mark,
  ];
}

function percentText(share: number | undefined): string {
  if (share === undefined) return '—';
  if (share === 0) return '0';
  return share < 1e-4 ? `${(100 * share).toExponential(0)} %` : `${(100 * share).toFixed(2)} %`;
}

/** Alike in all layers, mostly: each kind once. */
/** @param names what the dump's own names of missing values would be */
function printStretches({ brackets }: CheckReport, names: NameReport | null): void {
  const theirs = new Map(names?.absent.map(({ value, lookedFor }) => [value, lookedFor]));
  const named = (value: string): string => {
    const name = theirs.get(value) ?? null;
    return name === null ? value : `${value} (${name})`;
  };
  const kinds = new Map<string, typeof brackets>();
  for (const bracket of brackets) {
    const kind = `${bracket.upTo.replace(/^layer-\d+\//, '')} ${bracket.ops.join()} ${bracket.status}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), bracket]);
  }
  for (const [first, ...others] of kinds.values()) {
    if (first === undefined) continue;
    const { after, upTo, ops, status, wanted } = first;
    const all = [first, ...others];
    const [ratio, width] = [Math.max(...all.map((one) => one.ratio)), Math.max(...all.map((one) => one.width))];
    const more = others.length === 0 ? '' : ` and ${others.length} more like it`;
    const text = `${after} → ${upTo}${more} as one (${ops.join(', ')}): ${stretchText(first, ratio, width)}`;
    if (status === 'healthy') printLine(plainText(text));
    else printLine(style.red(plainText(`${text}; capture ${wanted.map(named).join(', ')} to settle which`)));
  }
}

/** Of a wide one the bound is no yardstick. */
function stretchText({ drawn }: CheckReport['brackets'][number], ratio: number, width: number): string {
  const bound = width < Infinity ? `bound ${smallText(width)} times as wide as a single op's` : 'nothing bounds it';
  return drawn === null
    ? `rho ${smallText(ratio)}, ${bound}`
    : `${smallText(ratio)} of what full-budget errors make, ${bound}`;
}

function printWorst(results: readonly OpResult[]): void {
  const worst = results.filter((result) => result.worst !== null).toSorted((a, b) => severity(b) - severity(a))[0];
  if (worst === undefined || worst.worst === null) return;
  const { position, head, channel, engine, reference, budget, conditionNumber } = worst.worst;
  printLine();
  const where = [`token ${position}`, ...(head === null ? [] : [`head ${head}`]), `channel ${channel}`].join(', ');
  const condition = conditionNumber === null ? '' : `, condition number ${smallText(conditionNumber)}`;
  printLine(`${style.bold('worst place')}  ${worst.value} (${worst.op}), ${where}`);
  printLine(
    `  engine ${engine}, float64 ${reference}, error ${smallText(engine - reference)}, expected budget ${smallText(budget)}${condition}`,
  );
}
