// `pv status`: where every claim stands. Only reads.
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../program.ts';
import { printJson, printLine, printTable, right, style } from '../terminal.ts';
import type * as runnerIndex from '../../runner/index.ts';
import type { Assessment, StatusRow } from '../../runner/index.ts';

type Runner = typeof runnerIndex;

interface StatusFlags {
  root: string;
  json?: boolean;
}

const EXAMPLE = `
Example:
  pv status        levels follow from evidence/ and the present files; nothing is run`;

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('where every claim stands: bound, executed, outcome, fresh, level')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText('after', EXAMPLE)
    .action(async (_flags: unknown, command: Command) => {
      process.exitCode = await runStatus(command.optsWithGlobals<StatusFlags>());
    });
}

export async function runStatus({ root, json }: StatusFlags): Promise<ExitCode> {
  const runner = await import('../../runner/index.ts');
  const assessment = await runner.assessProject(runner.openProject(root));
  if (json === true) printJson(runner.statusJson(assessment));
  else printStatus(runner, assessment);
  return assessment.claims.length === 0 ? EXIT.declined : EXIT.accepted;
}

/** The table and its last line. */
function printStatus(runner: Runner, assessment: Assessment): void {
  const rows = assessment.claims.map(runner.statusRow);
  const cells = rows.map((row, index) => cellsOf(runner, row, rows[index - 1]));
  printTable(['contract', 'claim', 'bound', right('executed'), 'outcome', 'freshness', 'level'], cells);
  for (const line of runner.refusalLines(assessment)) printLine(style.red(line));
  printLine();
  printLine(runner.countsLine(runner.statusCounts(rows)));
}

function cellsOf(runner: Runner, row: StatusRow, above: StatusRow | undefined): string[] {
  const { outcome } = row;
  return [
    above?.contract === row.contract ? '' : row.contract,
    row.claim,
    row.isBound ? 'yes' : 'no',
    row.planned === 0 ? '–' : `${row.executed}/${row.planned}`,
    outcome === null ? '–' : verdictCell(`${runner.VERDICT_SYMBOLS[outcome]} ${outcome}`, outcome),
    row.freshness === 'none' ? '–' : row.freshness === 'stale' ? style.yellow('stale') : 'fresh',
    levelCell(row),
  ];
}

function verdictCell(text: string, outcome: NonNullable<StatusRow['outcome']>): string {
  if (outcome === 'survived') return style.green(text);
  return outcome === 'not-run' ? style.yellow(text) : style.red(text);
}

/** A stale word is greyed and says so: colour is never the only carrier. */
function levelCell({ level, word, required, isMet, declared }: StatusRow): string {
  const shown = level === word ? level : style.dim(`${word} (stale)`);
  const wants = isMet ? '' : `, wants ${required}`;
  const says = declared === null ? '' : style.red(`, the contract says ${declared}`);
  return `${isMet ? style.green(shown) : shown}${wants}${says}`;
}
