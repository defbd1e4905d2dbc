// A black-box claim: the contract gives an argument list, and the program must end with the exit code that the bar
// names (0 where it names none). No shell ever sees it.
import { statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RefuteError } from '../../errors.ts';
import type { Claim } from '../contract/model.ts';
import { programText } from '../sources/entries.ts';
import { digestOf } from '../sources/digest.ts';
import { isWithin, type Bar } from '../contract/bar.ts';
import type { ClaimRun, RunClaimOptions } from './run-claim.ts';
import { PART_TIME_LIMIT_MS } from './run-part.ts';
import type { PartReport } from './protocol.ts';
import { judgeReport, type PartResult } from './part-result.ts';

export const EXIT_CODE_BAR: Bar = {
  metric: 'exit_code',
  comparator: '==',
  threshold: 0,
  unit: '',
  basis: 'a program says by its exit code whether it succeeded',
};

export async function runArgvClaim(claim: Claim, seed: number, options: RunClaimOptions): Promise<ClaimRun> {
  const bar = claim.bar ?? EXIT_CODE_BAR;
  const startMs = performance.now();
  const result = await runOnce(claim, bar, options);
  const part: PartResult = { part: 'generated', durationMs: Math.round(performance.now() - startMs), ...result };
  return { claim, executor: 'cpu', adapter: null, bar, seed, repeat: 1, module: null, parts: [part], faults: [] };
}

async function runOnce(
  claim: Claim,
  bar: Bar,
  options: RunClaimOptions,
): Promise<Omit<PartResult, 'part' | 'durationMs'>> {
  const argv = claim.run ?? [];
  try {
    const timeLimitMs = options.timeLimitMs ?? PART_TIME_LIMIT_MS;
    const { runArgv } = await import('./run-program.ts');
    const { exitCode, stdout } = await runArgv(programArgv(argv), { cwd: options.root, timeLimitMs });
    const where = argv.join(' ');
    const failure = isWithin(bar, exitCode) ? null : ({ kind: 'measure', value: exitCode, where } as const);
    const program = argv[0];
    const report: PartReport = {
      planned: 1,
      executed: 1,
      discarded: 0,
      worst: { value: exitCode, where },
      failure,
      thrown: null,
      starvedSearches: 0,
      replayed: 0,
      outputsDigest: digestOf(stdout).slice('sha256:'.length),
      touched: {
        data: argv.filter((name) => isFileBelow(options.root, name)),
        models: [],
        packages: [],
        oracles: [],
        programs: program === 'apr' || program === 'pv' ? [programText(program, argv.slice(1))] : [],
      },
    };
    return { ...judgeReport(report), executed: 1, planned: 1, report };
  } catch (error) {
    if (!(error instanceof RefuteError)) throw error;
    return { verdict: 'error', reason: { code: 'crash', detail: error.message }, executed: 0, planned: 1 };
  }
}

/** A script or a data file that the argument list names: the receipt goes stale when it changes. */
function isFileBelow(root: string, name: string): boolean {
  const path = resolve(root, name);
  return path.startsWith(root + sep) && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** `apr` and `pv` are this package's own, and `node` is the one that runs us. */
function programArgv(argv: readonly string[]): string[] {
  const [program = '', ...rest] = argv;
  if (program === 'node') return [process.execPath, ...rest];
  if (program !== 'apr' && program !== 'pv') return [program, ...rest];
  return [process.execPath, fileURLToPath(new URL(`../../../bin/${program}.js`, import.meta.url)), ...rest];
}
