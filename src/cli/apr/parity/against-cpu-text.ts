// How a comparison of a GPU with the CPU looks on a terminal: the verdict, a row per position, a row per kind of op.
import type { CheckReport, OpKindRho } from '../../../diagnosis/index.ts';
import type { CpuParityReport, CpuParityWord } from '../../../diagnosis/parity/index.ts';
import type { Model } from '../../../engine/index.ts';
import type { ExecutorReport } from '../../../executors.ts';
import { cosineText, plural, smallText } from '../../figures.ts';
import { plainText, printLine, printTable, right, style } from '../../terminal.ts';
import { ranText } from '../engine-option.ts';
import type { RenderedPrompt } from '../prompt.ts';

export interface ShownAgainstCpu {
  model: Model;
  prompt: Pick<RenderedPrompt, 'ids' | 'source' | 'text'>;
  engine: ExecutorReport;
  parity: CpuParityReport;
  check: CheckReport;
  rho: OpKindRho[];
  verdict: CpuParityWord;
  sentence: string;
}

type Row = CpuParityReport['positions'][number];

const COLOUR = {
  PASS: style.green,
  BUG: style.red,
  DIFFERENT: style.red,
  SUSPECT: style.yellow,
  INCONCLUSIVE: style.yellow,
} as const;
/** A prompt of so many positions is shown whole. */
const SHORT = 32;

export function printAgainstCpu(shown: ShownAgainstCpu, isAll: boolean): void {
  const { model, prompt, engine, parity, check, rho, verdict, sentence } = shown;
  const { profiles, counts, positions } = parity;
  printLine(style.bold(COLOUR[verdict](plainText(sentence))));
  printLine();
  printLine(`${style.bold('model')}    ${plainText(model.path)}`);
  printLine(`${style.bold(engine.ran)}   ${plainText(ranText(engine))}; profile ${profiles.ours}`);
  printLine(`${style.bold('cpu')}      profile ${profiles.theirs}`);
  printLine(`${style.bold('program')}  ${programText(check)}`);
  printLine(`${style.bold('prompt')}   ${plural(prompt.ids.length, 'token')}: ${prompt.ids.join(', ')}`);
  printLine(
    `${style.bold('top-1')}    the same at ${counts.sameTop} of ${plural(counts.compared, 'position')} from position 1 on`,
  );
  printLine();
  const rows = isAll || positions.length <= SHORT ? positions : positions.filter(isTelling);
  printPositions(model, engine.ran, rows);
  const hidden = positions.length - rows.length;
  if (hidden > 0) printLine(`and ${plural(hidden, 'position')} more that agree (--all shows them)`);
  printLine();
  printLine(
    `${style.bold('ops')} on the GPU's own inputs, ${check.coverage.judgedOps} of ${check.coverage.opCount} judged`,
  );
  printOps(rho);
}

function programText({ verification: { status, says } }: CheckReport): string {
  const text = plainText(says);
  if (status === 'verified') return style.green(`verified against ${text}`);
  return status === 'refuted' ? style.red(`REFUTED: ${text}`) : style.yellow(`UNVERIFIED: ${text}`);
}

function isTelling({ status, isSameTop }: Row, index: number, all: readonly Row[]): boolean {
  return status !== 'same' || !isSameTop || index < 4 || index === all.length - 1;
}

function printPositions(model: Model, name: string, rows: readonly Row[]): void {
  const tokenText = (id: number | null): string =>
    id === null ? '—' : plainText(JSON.stringify(model.text.tokenText(id)));
  const columns = [
    right(''),
    'token',
    right('cosine'),
    right('max|Δ|'),
    right('KL'),
    right('explained'),
    name,
    'cpu',
    right('margin'),
    right('spread'),
    '',
  ];
  const cells = rows.map((row) => [
    String(row.position),
    tokenText(row.token),
    cosineText(row.cosine, row.maxAbsDifference === 0),
    smallText(row.maxAbsDifference),
    smallText(row.distance),
    smallText(row.explained),
    tokenText(row.ours),
    tokenText(row.theirs),
    row.flip === null ? '' : smallText(row.flip.margin),
    row.flip === null ? '' : smallText(row.flip.spread),
    markOf(row),
  ]);
  printTable(columns, cells);
}

function markOf({ status, flip, isGating }: Row): string {
  if (status === 'different') return isGating ? style.red('◀ DIFFERENT') : 'different, decides nothing';
  if (status === 'suspect') return isGating ? style.yellow('◀ SUSPECT') : 'suspect, decides nothing';
  return flip === null ? '' : 'other token, explained';
}

function printOps(rho: readonly OpKindRho[]): void {
  const mark = { healthy: '', suspect: style.yellow('◀ SUSPECT'), faulty: style.red('◀ BUG') } as const;
  printTable(
    ['op', 'weights', right('ops'), right('max rho'), right('max proven'), 'at', ''],
    rho.map(({ op, weightType, count, rho: expected, rhoProven, at, status }) => [
      op,
      weightType ?? '',
      String(count),
      rhoText(expected),
      rhoText(rhoProven),
      at,
      mark[status],
    ]),
  );
}

/** A `1` would read as the limit itself, which nothing healthy reaches. */
function rhoText(rho: number): string {
  const text = smallText(rho);
  return text === '1' && rho < 1 ? '<1' : text;
}
