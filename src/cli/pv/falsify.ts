// `pv falsify` and `pv replay`: run falsifiers, say one line per claim, and end with counts that have denominators.
// Receipts are written as each claim finishes, contracts once at the end; all of that is the runner's.
import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { RefuteError } from '../../errors.ts';
import type * as runnerIndex from '../../runner/index.ts';
import type { ClaimOutcome, FalsifyResult, PartName } from '../../runner/index.ts';
import { MAX_SECONDS, wholeOption } from '../options.ts';
import { EXIT, type ExitCode } from '../program.ts';
import { printJson, printLine, Progress, style } from '../terminal.ts';

export interface FalsifyFlags {
  root: string;
  all?: boolean;
  part?: PartName;
  seed?: number;
  repeat?: number;
  replay?: boolean;
  dryRun?: boolean;
  stale?: boolean;
  confirm?: boolean;
  model?: string;
  engine?: 'cpu' | 'webgpu';
  adapter?: string;
  timeLimit?: number;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  pv falsify --all                      every claim; receipts below evidence/, levels in contracts/
  pv falsify 'FALSIFY-RMS-*' --dry-run  some claims, nothing written
  pv falsify --all --stale              only what changed since its receipt
  pv falsify --all --engine webgpu --adapter nvidia     on a real GPU: receipts of a class of their own`;

const PARTS: readonly PartName[] = ['generated', 'live', 'oracle'];
const ENGINES = ['cpu', 'webgpu'] as const;

export function addFalsifyCommand(program: Command): void {
  const falsify = program
    .command('falsify')
    .description('try to break claims and record what happened')
    .argument('[ids...]', 'claim ids or contract names; * stands for anything')
    .option('--all', 'every claim that has a falsifier')
    .option('--stale', 'of the chosen claims, only those without a fresh receipt on this class of machine')
    .option('--replay', 'try stored counterexamples before anything generated')
    .addOption(wholeOption('--repeat <n>', 'run each part n times with the same seed; all must agree', { from: 1 }))
    .option('--dry-run', 'write nothing')
    .option('--confirm', "add this machine's result to receipts that another machine wrote")
    .option('--model <file>', 'run the live part, and only it, on this model instead; nothing is written')
    .addHelpText('after', EXAMPLES);
  addRunOptions(falsify).action(async (ids: string[], _flags: unknown, command: Command) => {
    process.exitCode = await runFalsify(ids, command.optsWithGlobals<FalsifyFlags>());
  });
}

export function addRunOptions(command: Command): Command {
  return command
    .addOption(new Option('--part <part>', 'only this part').choices(PARTS))
    .addOption(new Option('--engine <name>', 'only on this one of the executors that a claim names').choices(ENGINES))
    .option('--adapter <name>', "part of a GPU adapter's name (default: swiftshader, the one in software)")
    .addOption(wholeOption('--seed <n>', 'a seed instead of the one that follows from the claim id'))
    .addOption(wholeOption('--time-limit <seconds>', 'for each part of each claim', { from: 1, to: MAX_SECONDS }))
    .option('--json', 'print one JSON document and nothing else');
}

export async function runFalsify(ids: readonly string[], flags: FalsifyFlags): Promise<ExitCode> {
  const runner = await import('../../runner/index.ts');
  if (flags.all !== true && ids.length === 0) {
    const is = 'no claim is named';
    throw new RefuteError({ code: 'E_USAGE', place: 'pv falsify', is, next: 'Name one, or use --all' });
  }
  if (flags.all === true && ids.length > 0) {
    const is = 'claims are named beside --all';
    throw new RefuteError({ code: 'E_USAGE', place: 'pv falsify', is, next: 'Name some, or use --all' });
  }
  if (flags.confirm === true && (flags.dryRun === true || flags.model !== undefined)) {
    const is = `${flags.dryRun === true ? '--dry-run' : '--model'} is given too, and nothing is written`;
    throw new RefuteError({ code: 'E_USAGE', place: 'pv falsify --confirm', is, next: 'Leave one of them out' });
  }
  if (flags.model !== undefined && (flags.part ?? 'live') !== 'live') {
    const is = `the ${flags.part} part is asked for`;
    const allowed = 'only the live part runs on a model';
    throw new RefuteError({ code: 'E_USAGE', place: 'pv falsify --model', is, allowed, next: 'Leave --part out' });
  }
  if (flags.model !== undefined && !existsSync(flags.model)) {
    throw new RefuteError({ code: 'E_USAGE', place: '--model', is: `there is no ${JSON.stringify(flags.model)}` });
  }
  const part = flags.model === undefined ? {} : { part: 'live' as const };
  const project = runner.openProject(flags.root);
  const named = flags.all === true ? runner.runnableClaims(project) : runner.selectClaims(project, ids);
  const all = runner.jobsOf(named, flags.engine);
  assertOnAdapter(all, flags);
  const jobs = flags.stale === true ? await runner.withoutFreshReceipt(project, all, flags.adapter) : all;
  const startMs = performance.now();
  const result = await runner.falsify(
    project,
    jobs,
    {
      ...pick(flags, ['part', 'seed', 'repeat', 'model', 'adapter']),
      ...part,
      ...(flags.timeLimit === undefined ? {} : { timeLimitMs: flags.timeLimit * 1000 }),
      isDryRun: flags.dryRun === true || flags.model !== undefined,
      isConfirmation: flags.confirm === true,
      useCounterexamples: flags.replay === true,
    },
    eventsFor(runner, flags),
  );
  const durationMs = performance.now() - startMs;
  if (flags.json === true) printJson(runner.falsifyJson(result, durationMs));
  else printSummary(runner, result, durationMs, { named: named.length, isStale: flags.stale === true });
  if (flags.stale === true && jobs.length === 0 && named.length > 0) return EXIT.accepted;
  return runner.exitCodeOf(result.outcomes);
}

type Runner = typeof runnerIndex;

/** A flag without effect is a mistake, and so is an engine that none of the claims names. */
export function assertOnAdapter(jobs: readonly { executor: string }[], { engine, adapter }: FalsifyFlags): void {
  if (engine !== undefined && jobs.length === 0) {
    const is = `no claim that is named has executor ${engine}`;
    throw new RefuteError({ code: 'E_NO_CLAIM', place: `--engine ${engine}`, is }, 2);
  }
  if (adapter !== undefined && !jobs.some(({ executor }) => executor === 'webgpu')) {
    const is = 'nothing that is named runs on a GPU';
    throw new RefuteError({ code: 'E_USAGE', place: '--adapter', is, allowed: 'it goes with claims on webgpu' });
  }
}

export function eventsFor(runner: Runner, { json }: FalsifyFlags): Parameters<Runner['falsify']>[3] {
  const progress = new Progress();
  const startMs = performance.now();
  return {
    onProgress: (index, count, claim, what) => {
      const elapsed = runner.seconds(performance.now() - startMs);
      progress.update(`${index + 1} of ${count}  ${elapsed}  ${claim.id} ${what}`);
    },
    onOutcome: (outcome) => {
      progress.clear();
      if (json !== true) printOutcome(runner, outcome);
    },
  };
}

function printOutcome(runner: Runner, outcome: ClaimOutcome): void {
  const { verdict, run } = outcome;
  // A claim that survived although a planted fault went unseen must not be shown green.
  const isSharp = run === null || run.faults.every((fault) => fault.verdict === 'red');
  const isGood = verdict === 'survived' && isSharp;
  const colour = isGood ? style.green : verdict === 'survived' || verdict === 'not-run' ? style.yellow : style.red;
  const [line, ...details] = runner.outcomeLines(outcome);
  const symbol = verdict === 'survived' && !isSharp ? '△' : runner.VERDICT_SYMBOLS[verdict];
  const where = outcome.claim.executors.length > 1 ? ` on ${outcome.executor}` : '';
  printLine(`${colour(`${symbol} ${outcome.claim.id} ${verdict}${where}`)}  ${line ?? ''}`);
  for (const detail of details) printLine(`    ${detail.replaceAll('\n', '\n      ')}`);
}

function printSummary(
  runner: Runner,
  result: FalsifyResult,
  durationMs: number,
  selection: { named: number; isStale: boolean },
): void {
  for (const line of runner.updateLines(result)) printLine(line);
  if (selection.isStale && result.outcomes.length === 0) {
    printLine(`0 of ${selection.named} claims are stale; nothing was run`);
  } else {
    printLine(runner.summaryLine(result.outcomes, durationMs));
  }
}

/** The named flags that were given; an absent one stays absent. */
export function pick<Key extends keyof FalsifyFlags>(
  flags: FalsifyFlags,
  keys: readonly Key[],
): Pick<FalsifyFlags, Key> {
  const given = keys.filter((key) => flags[key] !== undefined).map((key) => [key, flags[key]]);
  return Object.fromEntries(given) as Pick<FalsifyFlags, Key>;
}
