// Findings of `pv validate` for people: code frames, or the original tool's plain lines; and the line of counts.
// Text out of contracts is untrusted: control characters are replaced before anything reaches a terminal.
import { readFileSync, statSync } from 'node:fs';
import type { Diagnostic, PathValidation } from '../../runner/contract/index.ts';
import { countText, plural } from '../figures.ts';
import { style } from '../terminal.ts';

/** Longest piece of a source line that is shown. */
const FRAME_WIDTH = 110;
/** Of larger files no lines are shown. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** Blocks of lines, an empty line after each. */
export function codeFrameLines(diagnostics: readonly Diagnostic[]): string[] {
  const linesOf = new Map<string, string[]>();
  return diagnostics.flatMap((diagnostic) => {
    let lines = linesOf.get(diagnostic.file);
    if (lines === undefined) {
      lines = sourceLines(diagnostic.file);
      linesOf.set(diagnostic.file, lines);
    }
    return [headLine(diagnostic), ...frame(diagnostic, lines), ...hints(diagnostic), ''];
  });
}

/** Empty where the file is gone or too large to have been read; the finding says so itself. */
function sourceLines(file: string): string[] {
  try {
    return statSync(file).size > MAX_FRAME_BYTES ? [] : readFileSync(file, 'utf8').split(/\r?\n/);
  } catch {
    return [];
  }
}

/** `contracts/x-v1.yaml:8:5 error SCHEMA-012 …`: the place first, so that terminals make it a link. */
function headLine({ file, line, column, severity, code, message }: Diagnostic): string {
  const word = severity === 'error' ? style.red('error') : style.yellow('warning');
  return `${style.bold(printable(`${file}:${line}:${column}`))} ${word} ${code} ${printable(message)}`;
}

/** The line, one before and one after, and a mark below what is meant. */
function frame({ line, column, endColumn }: Diagnostic, lines: readonly string[]): string[] {
  const width = String(line + 1).length;
  // A long line is shown around the place.
  const from = column <= FRAME_WIDTH - 20 ? 0 : column - 20;
  const rows: string[] = [];
  for (let number = Math.max(1, line - 1); number <= Math.min(lines.length, line + 1); number += 1) {
    const text = printable((lines[number - 1] ?? '').slice(from, from + FRAME_WIDTH));
    if (number !== line && text.trim() === '') continue;
    const gutter = `${number === line ? '>' : ' '} ${String(number).padStart(width)} |`;
    rows.push(`${style.dim(gutter)} ${text}`.trimEnd());
    if (number !== line) continue;
    const markLength = Math.max(1, Math.min((endColumn ?? column + 1) - column, from + FRAME_WIDTH - column + 1));
    rows.push(
      `${style.dim(`  ${' '.repeat(width)} |`)} ${' '.repeat(column - 1 - from)}${style.red('^'.repeat(markLength))}`,
    );
  }
  return rows;
}

function hints({ didYouMean, related }: Diagnostic): string[] {
  const lines: string[] = [];
  if (didYouMean !== undefined) lines.push(`  did you mean '${printable(didYouMean)}'?`);
  if (related !== undefined) {
    lines.push(printable(`  ${related.file}:${related.line}:${related.column} ${related.message}`));
  }
  return lines;
}

/** As the original prints: `[ERROR] SCHEMA-001: …`, here under the name of each file and with the place behind. */
export function plainLines({ contractCount }: PathValidation, diagnostics: readonly Diagnostic[]): string[] {
  const lines: string[] = [];
  let file = '';
  for (const { file: own, severity, code, message, line, column, didYouMean } of diagnostics) {
    if (own !== file) lines.push(...(file === '' ? [] : ['']), `== ${printable(own)}`);
    file = own;
    const hint = didYouMean === undefined ? '' : `; did you mean '${didYouMean}'?`;
    lines.push(
      `[${severity === 'error' ? 'ERROR' : 'WARN'}] ${code}: ${printable(`${message}${hint}`)} (${line}:${column})`,
    );
  }
  if (lines.length > 0) lines.push('');
  return contractCount === 1 && diagnostics.length === 0 ? ['Contract is valid.', ''] : lines;
}

/** Counts with what they are counts of: a bare "0 errors" says nothing. */
export function validationLine(validation: PathValidation): string {
  const { counts, links, skipped } = validation;
  const { errors, warnings } = counts;
  const totals = Object.values(links).reduce(
    (sum, { resolved, total }) => ({ resolved: sum.resolved + resolved, total: sum.total + total }),
    { resolved: 0, total: 0 },
  );
  const skippedPart = skipped.length === 0 ? '' : `, ${skippedText(skipped)} skipped`;
  const unreadable = validation.unreadableCount === 0 ? '' : `, ${validation.unreadableCount} unreadable`;
  return [
    `${errors} error(s), ${warnings} warning(s)`,
    `${plural(validation.fileCount, 'file')}: ${plural(validation.contractCount, 'contract')}${unreadable}${skippedPart}`,
    `${plural(validation.claimCount, 'claim')}, ${validation.boundClaimCount} bound`,
    `links resolved ${totals.resolved} of ${totals.total}`,
    ...uncoveredTexts(validation),
  ].join(' · ');
}

/** What no test is about, and harnesses and contracts that are about nothing, where there are some. */
function uncoveredTexts({ diagnostics }: PathValidation): string[] {
  const kinds = [
    ['PV-033', 'obligation', 'obligations', 'without a test'],
    ['PV-034', 'harness', 'harnesses', 'without an obligation'],
    ['PV-035', 'contract', 'contracts', 'without a claim'],
  ] as const;
  return kinds.flatMap(([code, one, many, without]) => {
    const count = diagnostics.filter((diagnostic) => diagnostic.code === code).length;
    return count === 0 ? [] : `${countText(count)} ${count === 1 ? one : many} ${without}`;
  });
}

/** `2 binding registries`: what was not judged, by kind. */
export function skippedText(skipped: PathValidation['skipped']): string {
  const countByKind = new Map<string, number>();
  for (const { what } of skipped) countByKind.set(what, (countByKind.get(what) ?? 0) + 1);
  return [...countByKind]
    .map(([what, count]) => (count === 1 ? what : `${count} × ${what.replace(/^an? /, '')}`))
    .join(', ');
}

/** One line without control characters, escape sequences included; each becomes one visible character. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => (character === '\t' ? ' ' : '\uFFFD'));
}
