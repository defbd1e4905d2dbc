// `pv gate`: the check that a pull request must pass. Reads committed evidence like a lock file; runs no falsifier.
import type { Command } from 'commander';
import type { ExitCode } from '../program.ts';
import { printJson, printLine, printTable, style } from '../terminal.ts';

const EXAMPLES = `
Examples:
  pv gate                       every claim at its required level, on fresh evidence?
  pv gate --base origin/main    and was anything loosened, deleted or emptied since?`;

export function addGateCommand(program: Command): void {
  program
    .command('gate')
    .description('check that every claim stands where its contract wants it, and that nothing was made easier')
    .option('--base <ref>', 'commit to compare with, e.g. origin/main')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      process.exitCode = await runGate(command.optsWithGlobals<{ root: string; base?: string; json?: boolean }>());
    });
}

async function runGate({ root, base, json }: { root: string; base?: string; json?: boolean }): Promise<ExitCode> {
  const runner = await import('../../runner/index.ts');
  const report = await runner.runGate(runner.openProject(root), base ?? null);
  if (json === true) {
    printJson(runner.gateJson(report));
    return report.exitCode;
  }
  const rows = runner.gateRows(report);
  const colour = report.exitCode === 0 ? style.green : report.exitCode === 1 ? style.red : style.yellow;
  printLine(colour(runner.gateHeadline(report)));
  for (const line of runner.gateLines(report)) printLine(`  ${line}`);
  if (rows.length > 0) {
    printLine();
    const cells = rows.map(({ symbol, claim, level, why }) => [symbol, claim, level, why]);
    printTable(['', 'claim', 'level', 'why'], cells);
    printLine();
    printLine('pv why ID shows how a level follows; pv falsify --all --stale brings evidence up to date');
  }
  return report.exitCode;
}
