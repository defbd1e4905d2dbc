// How a comparison with another engine looks on a terminal: the verdict first, who was compared with whom, then a row
// per position; of a long prompt the rows that say something.
import type { PositionParity, OutsideEngine, ParityReport } from '../../../diagnosis/parity/index.ts';
import type { Model } from '../../../engine/index.ts';
import type { ExecutorReport } from '../../../executors.ts';
import { plural, smallText } from '../../figures.ts';
import { formatTable, plainText, printLine, right, style, type Column } from '../../terminal.ts';
import { ranText } from '../engine-option.ts';
import type { RenderedPrompt } from '../prompt.ts';

export type Identity = ReturnType<OutsideEngine['identity']>;

/** A comparison as it is shown. */
export interface ShownParity {
  model: Model;
  prompt: { ids: readonly number[]; source: RenderedPrompt['source'] | 'pack'; text: string | null };
  /** null with --subject. */
  executor: ExecutorReport | null;
  subject: Identity | null;
  outside: Identity & Pick<OutsideEngine, 'kind' | 'hasSameWeights'> & { isProfileAssumed: boolean };
  report: ParityReport;
}

const COLOUR = { PASS: style.green, DIFFERENT: style.red, INCONCLUSIVE: style.yellow } as const;
/** A prompt of so many positions is shown whole. */
const SHORT = 32;

export function printParity(shown: ShownParity, isAll: boolean): void {
  const { model, prompt, executor, subject, outside, report } = shown;
  const { verdict, sentence, profiles, counts, meanDistance, positions } = report;
  printLine(style.bold(COLOUR[verdict](plainText(sentence))));
  printLine();
  const ours = subject === null ? (executor === null ? '' : ranText(executor)) : identityText(subject);
  printLine(`${style.bold('model')}    ${plainText(model.path)}`);
  printLine(`${style.bold('ours')}     ${plainText(ours)}; profile ${profiles.ours}`);
  const assumed = outside.isProfileAssumed ? ' (assumed; --profile declares another)' : '';
  const profile = profiles.candidates === null ? 'profile' : 'profile, inferred:';
  printLine(`${style.bold('theirs')}   ${plainText(identityText(outside))}; ${profile} ${profiles.theirs}${assumed}`);
  printLine(`${style.bold('program')}  ${programText(shown)}`);
  printLine(`${style.bold('prompt')}   ${plural(prompt.ids.length, 'token')}: ${prompt.ids.join(', ')}`);
  const mean = meanDistance === null ? '' : `; mean distance ${smallText(meanDistance)}`;
  printLine(`${style.bold('top-1')}    the same at ${counts.sameTop} of ${plural(counts.compared, 'position')}${mean}`);
  printLine();
  const rows = isAll || positions.length <= SHORT ? positions : positions.filter(isTelling);
  printLine(tableOf(shown, rows));
  const hidden = positions.length - rows.length;
  if (hidden > 0) printLine(`and ${plural(hidden, 'position')} more that agree (--all shows them)`);
}

function identityText({ name, version, digest }: Pick<ShownParity['outside'], 'name' | 'version' | 'digest'>): string {
  return `${name} ${version}${digest === '' ? '' : `, answer ${digest.slice(0, 12)}`}`;
}

/** One program runs in our executor and in float64: only somebody else can vouch for it. */
function programText({ outside, executor, subject, report }: ShownParity): string {
  const isOurs = subject === null && executor?.ran !== 'llama.cpp';
  const isVouched = report.verdict === 'PASS' && isOurs;
  if (!isVouched) return style.yellow('UNVERIFIED by this comparison');
  // The smallest difference by which a wrong program would show here.
  const most = report.positions.reduce((bar, { explained }) => Math.max(bar, explained), 0);
  const extent =
    outside.kind === 'http'
      ? `|Δ log p| of ${smallText(most)} of the tokens that it names`
      : `a KL of ${smallText(most)}`;
  const { name, version, digest } = outside;
  return style.green(plainText(`verified against ${name} ${version}, ${digest.slice(0, 12)}, to ${extent}`));
}

/** Every position that does not plainly agree, and the first and last of those that do. */
function isTelling({ status, isSameTop }: PositionParity, index: number, all: readonly PositionParity[]): boolean {
  return status !== 'same' || !isSameTop || index < 4 || index === all.length - 1;
}

function tableOf({ model, outside }: ShownParity, rows: readonly PositionParity[]): string {
  const isPart = outside.kind === 'http';
  const columns: Column[] = [
    right(''),
    'token',
    right(isPart ? 'max|Δ log p|' : 'KL'),
    right('explained'),
    right('ours − float64'),
    right('theirs − float64'),
    ...(isPart ? [right('named')] : []),
    'ours',
    'theirs',
    right('margin'),
    right('spread'),
    '',
  ];
  const tokenText = (id: number | null): string =>
    id === null ? '—' : plainText(JSON.stringify(model.text.tokenText(id)));
  const cells = rows.map((row) => [
    String(row.position),
    tokenText(row.token),
    smallText(row.distance),
    smallText(row.explained),
    farCell(row.fromExact.ours),
    farCell(row.fromExact.theirs),
    ...(isPart ? [`${row.compared?.matched ?? 0} of ${row.compared?.given ?? 0}`] : []),
    tokenText(row.ours),
    tokenText(row.theirs),
    row.flip === null ? '' : smallText(row.flip.margin),
    row.flip === null ? '' : smallText(row.flip.spread),
    markOf(row),
  ]);
  return formatTable(columns, cells);
}

function farCell({ distance, isFar }: PositionParity['fromExact']['ours']): string {
  return isFar ? style.red(`${smallText(distance)} far`) : smallText(distance);
}

function markOf({ status, flip }: PositionParity): string {
  if (status === 'different') return style.red('◀ DIFFERENT');
  if (status === 'suspect') return style.yellow('◀ SUSPECT');
  if (status === 'not-compared') return style.yellow('not compared');
  return flip === null ? '' : 'other token, explained';
}
