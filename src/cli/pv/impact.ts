// `pv impact`: which claims a change of files would make stale. Reads pins as the gate computes them; runs nothing.
import type { Command } from 'commander';
import { RefuteError } from '../../errors.ts';
import type * as runnerIndex from '../../runner/index.ts';
import type { Impact } from '../../runner/index.ts';
import { EXIT, type ExitCode } from '../program.ts';
import { printJson, printLine, printTable, right } from '../terminal.ts';

interface ImpactFlags {
  root: string;
  table?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  pv impact src/engine/cpu/kernels/rmsnorm.as.ts    the claims that hang on this kernel, by contract
  git diff --name-only main | xargs pv impact       what a branch makes stale
  pv impact --table                                 every source file, the one with most claims first`;

export function addImpactCommand(program: Command): void {
  program
    .command('impact')
    .description('the claims that a change of files would make stale; nothing is run')
    .argument('[files...]', 'files, or folders with all that is below')
    .option('--table', 'every source file in src/ and falsifiers/ with its number of claims')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], _flags: unknown, command: Command) => {
      process.exitCode = await runImpact(files, command.optsWithGlobals<ImpactFlags>());
    });
}

async function runImpact(files: readonly string[], { root, table, json }: ImpactFlags): Promise<ExitCode> {
  if ((table === true) === files.length > 0) {
    const is = table === true ? 'files are named beside --table' : 'no file is named';
    throw new RefuteError({ code: 'E_USAGE', place: 'pv impact', is, next: 'Name files, or use --table' });
  }
  const runner = await import('../../runner/index.ts');
  const project = runner.openProject(root);
  const impact = table === true ? await runner.impactOfAll(project) : await runner.impactOf(project, files);
  if (json === true) printJson(table === true ? runner.impactTableJson(impact) : runner.impactJson(impact));
  else if (table === true) printAllFiles(runner, impact);
  else printFiles(runner, impact);
  return impact.claimCount === 0 ? EXIT.declined : EXIT.accepted;
}

function printAllFiles(runner: typeof runnerIndex, impact: Impact): void {
  const cells = impact.files.map(({ file, claims }) => [String(claims.length), file]);
  printTable([right('claims'), 'file'], cells);
  printLine();
  printLine(runner.middleLine(impact));
}

function printFiles(runner: typeof runnerIndex, impact: Impact): void {
  const rows = runner.impactRows(impact);
  if (rows.length > 0) {
    const cells = rows.map(({ contract, stale, of, ids }) => [contract, `${stale} of ${of}`, ids]);
    printTable(['contract', right('stale'), 'claims'], cells);
    printLine();
  }
  for (const line of runner.impactLines(impact)) printLine(line);
}
