// Runs everything about one claim: its parts, the repeats that expose a flaky one, and its planted faults. Says what
// happened; whether and where that is written down is decided in evidence/.
import { resolve } from 'node:path';
import { existsSync } from 'node:fs';
import type { ExecutorId } from '../../engine/index.ts';
import { RefuteError } from '../../errors.ts';
import type { Claim } from '../contract/model.ts';
import { claimPlace } from '../contract/project.ts';
import type { Bar } from '../contract/bar.ts';
import type { Verdict } from '../level/types.ts';
import { adapterFor } from './adapter.ts';
import { plannedOn } from './planned.ts';
import { describeModule, runPart, type RunPartOptions } from './run-part.ts';
import { runFaults, type FaultResult } from './run-faults.ts';
import { PART_NAMES, type PartName } from '../contract/part-names.ts';
import { EXIT_CODE_BAR, runArgvClaim } from './run-argv-claim.ts';
import { seedOfClaim } from './seed.ts';
import type { FalsifierDescription, ModuleDescription, StoredCase } from './protocol.ts';
import type { PartResult } from './part-result.ts';

export interface RunClaimOptions {
  root: string;
  executor: ExecutorId;
  /** Part of the name of a GPU adapter; the one in software unless given. */
  adapter?: string;
  /** Only this part. */
  part?: PartName;
  seed?: number;
  /** Runs of the same seed that must agree; 1 runs again only what was falsified. */
  repeat?: number;
  /** Stored counterexamples to try before anything generated, by part. */
  replays?: Partial<Record<PartName, readonly StoredCase[]>>;
  /** Only the stored counterexamples. */
  replayOnly?: boolean;
  withoutFaults?: boolean;
  model?: string;
  timeLimitMs?: number;
  onProgress?: (what: string) => void;
}

export interface ClaimRun {
  claim: Claim;
  executor: ExecutorId;
  /** Of the executor; null on the CPU. */
  adapter: string | null;
  bar: Bar;
  seed: number;
  repeat: number;
  /** Absolute path of the falsifier module; null for a `run:` claim. */
  module: string | null;
  parts: PartResult[];
  faults: FaultResult[];
}

/** One claim on one of its executors: what is run, and what has a receipt. */
export interface ClaimJob {
  claim: Claim;
  executor: ExecutorId;
}

/**
 * Each claim on each executor that it names. A program that is started chooses for itself.
 *
 * @param only this executor
 */
export function jobsOf(claims: readonly Claim[], only?: ExecutorId): ClaimJob[] {
  const jobs = claims.flatMap((claim) =>
    (claim.run === undefined ? claim.executors : (['cpu'] as const)).map((executor) => ({ claim, executor })),
  );
  return jobs.filter(({ executor }) => only === undefined || executor === only);
}

/** Loads falsifier modules at most once per process. */
export type DescribeModule = (path: string) => Promise<ModuleDescription>;

export function moduleDescriber(root: string): DescribeModule {
  const known = new Map<string, Promise<ModuleDescription>>();
  return (path) => {
    const description = known.get(path) ?? describeModule(path, root);
    known.set(path, description);
    return description;
  };
}

/** Path of the module that holds a claim's falsifier; null for a claim with `run:`. */
export function falsifierPath(root: string, claim: Claim): string | null {
  return claim.run === undefined ? resolve(root, 'falsifiers', `${claim.falsifier}.ts`) : null;
}

/**
 * What a run of the claim would be judged by.
 *
 * @throws RefuteError where there is nothing to run or to judge it by
 */
export function claimSubject(root: string, claim: Claim): { claim: Claim; module: string | null; bar: Bar } {
  if (claim.run !== undefined) return { claim, module: null, bar: claim.bar ?? EXIT_CODE_BAR };
  const module = falsifierPath(root, claim) ?? '';
  if (!existsSync(module)) {
    const is = `falsifiers/${claim.falsifier}.ts does not exist`;
    const next = 'Write it, or name another module with `falsifier:` in the contract';
    throw new RefuteError({ code: 'E_NO_FALSIFIER', place: claim.id, is, next });
  }
  if (claim.bar === undefined) {
    const allowed = 'bar: { metric, comparator, threshold, unit, basis }';
    const is = `${claim.id} has no complete bar`;
    throw new RefuteError({ code: 'E_NO_BAR', place: claimPlace(claim), is, allowed });
  }
  return { claim, module, bar: claim.bar };
}

/** @throws RefuteError as `claimSubject`, and where the module has no entry for the claim */
export async function runClaim(claim: Claim, options: RunClaimOptions, describe: DescribeModule): Promise<ClaimRun> {
  const seed = options.seed ?? seedOfClaim(claim.id);
  const { root, executor, repeat = 1 } = options;
  const { module, bar } = claimSubject(root, claim);
  if (module === null) return runArgvClaim(claim, seed, options);
  const falsifier = (await describe(module))[claim.id];
  if (falsifier === undefined) {
    const is = `falsifiers/${claim.falsifier}.ts has no entry for it`;
    throw new RefuteError({ code: 'E_NO_FALSIFIER', place: claim.id, is });
  }
  const adapter = adapterFor(executor, options.adapter);
  const request = {
    address: { module, claim: claim.id },
    executor,
    ...(adapter === undefined ? {} : { adapter }),
    seed,
    bar,
    root,
    stopAtFirst: false,
    replayOnly: options.replayOnly ?? false,
  };
  const run: ClaimRun = { claim, executor, adapter: null, bar, seed, repeat, module, parts: [], faults: [] };
  run.parts = await Promise.all(
    selectedParts(falsifier, options.part).map((part) => {
      options.onProgress?.(part);
      const override = part === 'live' && options.model !== undefined ? { modelOverride: options.model } : {};
      const runOptions: RunPartOptions = {
        request: { ...request, ...override, part, replays: options.replays?.[part] ?? [] },
        planned: plannedOn(executor, falsifier.parts[part]),
        ...(options.timeLimitMs === undefined ? {} : { timeLimitMs: options.timeLimitMs }),
        onProgress: (executed, planned) => options.onProgress?.(`${part} ${executed}/${planned}`),
      };
      return runRepeatedly(runOptions, repeat);
    }),
  );
  run.adapter = run.parts.find(({ report }) => report?.adapter !== undefined)?.report?.adapter ?? null;
  if (options.withoutFaults !== true)
    run.faults = await runFaultsOf(run, falsifier, options, { ...request, replays: [] });
  return run;
}

function selectedParts(falsifier: FalsifierDescription, only?: PartName): PartName[] {
  return PART_NAMES.filter((name) => falsifier.parts[name] !== undefined && (only === undefined || only === name));
}

/**
 * A falsified part is run once more with the same seed: a refutation that does not repeat is flaky, which is worse
 * than either answer. With `repeat` above 1 every run must agree, outputs included.
 */
async function runRepeatedly(options: RunPartOptions, repeat: number): Promise<PartResult> {
  const first = await runPart(options);
  if (first.verdict !== 'falsified' && !(first.verdict === 'survived' && repeat > 1)) return first;
  const results = [first];
  const count = Math.max(repeat, first.verdict === 'falsified' ? 2 : 1);
  while (results.length < count) results.push(await runPart(options));

  const durationMs = results.reduce((sum, result) => sum + result.durationMs, 0);
  const verdicts: Verdict[] = results.map((result) => result.verdict);
  if (new Set(verdicts).size > 1) {
    return { ...first, durationMs, verdict: 'flaky', reason: { code: 'repeat-disagrees', verdicts } };
  }
  const digests = new Set(results.map((result) => result.report?.outputsDigest));
  if (first.verdict === 'survived' && digests.size > 1) {
    return { ...first, durationMs, verdict: 'flaky', reason: { code: 'outputs-differ', runs: results.length } };
  }
  return { ...first, durationMs };
}

/** Faults of the parts that were run. Where a healthy part did not survive, a red fault would show nothing. */
async function runFaultsOf(
  run: ClaimRun,
  falsifier: FalsifierDescription,
  options: RunClaimOptions,
  request: Omit<RunPartOptions['request'], 'part'>,
): Promise<FaultResult[]> {
  const survived = new Set(run.parts.filter((part) => part.verdict === 'survived').map((part) => part.part));
  const wasRun = new Map(run.parts.map((part) => [part.part, part]));
  // One for an executor that the claim does not name would never be seen: then it is run, and an error.
  const { claim, executor } = run;
  const isElsewhere = (other: string): boolean => other !== executor && claim.executors.some((name) => name === other);
  const faults = falsifier.faults.filter(
    (fault) => wasRun.has(fault.part) && (fault.executor === undefined || !isElsewhere(fault.executor)),
  );
  const runnable = faults.filter((fault) => survived.has(fault.part));
  const results = await runFaults({
    faults: runnable,
    parts: falsifier.parts,
    request: { ...request, part: 'generated' },
    ...(options.timeLimitMs === undefined ? {} : { timeLimitMs: options.timeLimitMs }),
    onFault: (done, total) => options.onProgress?.(`fault ${done}/${total}`),
  });
  const byId = new Map(results.map((result) => [result.id, result]));
  return faults.map((fault): FaultResult => {
    const { id, title, size, part } = fault;
    const reason = wasRun.get(part)?.reason ?? { code: 'nothing-executed' };
    return byId.get(id) ?? { id, title, size, part, verdict: 'not-run', executed: 0, measured: null, reason };
  });
}
