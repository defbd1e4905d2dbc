// `pv falsify`: runs falsifiers, writes receipts as each claim finishes and the contracts at the end.
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { EXIT, type ExitCode } from '../program.ts';
import { errorStyle, printJson, printLine, Progress, style } from '../terminal.ts';

interface FalsifyFlags {
  all?: boolean;
  part?: 'generated' | 'live' | 'oracle';
  seed?: number;
  dryRun?: boolean;
  repeat?: number;
  model?: string;
  timeLimit?: number;
  json?: boolean;
}

const EXAMPLE = `
Example:
  pv falsify --all --dry-run        run everything, write nothing`;

export function addFalsifyCommand(program: Command): void {
  program
    .command('falsify')
    .description('run the falsifiers of claims and record what happened')
    .argument('[ids...]', 'claim ids or contract names; * stands for anything')
    .option('--all', 'every claim that has a falsifier')
    .addOption(new Option('--part <part>', 'only this part').choices(['generated', 'live', 'oracle']))
    .option('--seed <n>', 'another seed than the one that follows from the claim id', wholeNumber)
    .option('--repeat <n>', 'run each part n times with the same seed; all must agree', positiveNumber)
    .option('--dry-run', 'write nothing')
    .option('--model <file>', 'run the live part on this model; nothing is written')
    .option('--time-limit <seconds>', 'for each part of each claim', positiveNumber)
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXAMPLE)
    .action(async (ids: string[], flags: FalsifyFlags, command: Command) => {
      const { root } = command.optsWithGlobals<{ root: string }>();
      process.exitCode = await falsify(root, ids, flags);
    });
}

async function falsify(root: string, ids: readonly string[], flags: FalsifyFlags): Promise<ExitCode> {
  const runner = await import('../../runner/index.ts');
  const project = runner.openProject(root);
  const claims =
    flags.all === true
      ? runner.claimsOf(project).filter((claim) => runner.isRunnable(project, claim))
      : runner.selectClaims(project, ids);
  const startMs = performance.now();
  const progress = new Progress();
  const describe = runner.moduleDescriber(project.root);
  for (const [index, claim] of claims.entries()) {
    const run = await runner.runClaim(
      claim,
      {
        root: project.root,
        ...flags,
        ...(flags.timeLimit === undefined ? {} : { timeLimitMs: flags.timeLimit * 1000 }),
        onProgress: (what) => progress.update(`${index + 1} of ${claims.length} ${claim.id} ${what}`),
      },
      describe,
    );
    progress.clear();
    const verdict = runner.overallVerdict(run.parts);
    printLine(
      [
        runner.VERDICT_SYMBOLS[verdict],
        claim.id,
        verdict,
        run.parts.map(runner.partText).join(', '),
        runner.figureText(run.bar, run.parts),
        runner.faultsText(run.faults),
      ].join('  '),
    );
    for (const line of runner.detailLines(run)) printLine(`    ${line}`);
  }
  void [errorStyle, printJson, style, startMs];
  return EXIT.accepted;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number from 0.');
  return value;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1.');
  return value;
}
