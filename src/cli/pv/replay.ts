// `pv replay`: runs the stored counterexamples of claims again. Writes nothing.
import type { Command } from 'commander';
import type { ExitCode } from '../program.ts';
import { printJson, printLine } from '../terminal.ts';
import { addRunOptions, assertOnAdapter, eventsFor, pick, type FalsifyFlags } from './falsify.ts';

const EXAMPLE = `
Example:
  pv replay FALSIFY-QDEC-001     its stored counterexamples; exit 2 where none is stored`;

export function addReplayCommand(program: Command): void {
  const replay = program
    .command('replay')
    .description('run the stored counterexamples of claims again, and nothing else; nothing is written')
    .argument('<ids...>', 'claim ids or contract names; * stands for anything')
    .addHelpText('after', EXAMPLE);
  addRunOptions(replay).action(async (ids: string[], _flags: unknown, command: Command) => {
    process.exitCode = await runReplay(ids, command.optsWithGlobals<FalsifyFlags>());
  });
}

async function runReplay(ids: readonly string[], flags: FalsifyFlags): Promise<ExitCode> {
  const runner = await import('../../runner/index.ts');
  const project = runner.openProject(flags.root);
  const startMs = performance.now();
  const jobs = runner.jobsOf(runner.selectClaims(project, ids), flags.engine);
  assertOnAdapter(jobs, flags);
  const events = eventsFor(runner, flags);
  const limit = flags.timeLimit === undefined ? {} : { timeLimitMs: flags.timeLimit * 1000 };
  const outcomes = await runner.replay(
    project,
    jobs,
    { ...pick(flags, ['part', 'seed', 'adapter']), ...limit },
    events,
  );
  const durationMs = performance.now() - startMs;
  const result = { outcomes, assessment: null, updates: [] };
  if (flags.json === true) printJson(runner.falsifyJson(result, durationMs));
  else printLine(runner.summaryLine(outcomes, durationMs));
  return runner.exitCodeOf(outcomes);
}
