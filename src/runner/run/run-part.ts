// One part of one claim, run in a child process of its own, as a result with a verdict.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutorId } from '../../engine/index.ts';
import { runChild, type ChildEnd } from './run-child.ts';
import { judgeReport, type PartResult } from './part-result.ts';
import type { ModuleDescription, PartRequest } from './protocol.ts';
import { shaderLog } from './shader-log.ts';
import { RefuteError } from '../../errors.ts';

/** One part of one claim, shrinking included, ends within this. `pv falsify --time-limit` sets another. */
export const PART_TIME_LIMIT_MS = 900_000;
/** Importing a falsifier and what it imports. */
const DESCRIBE_TIME_LIMIT_MS = 60_000;

export interface RunPartOptions {
  request: Omit<PartRequest, 'folder' | 'type'>;
  /** The denominator of a part that dies before it can tell its own. */
  planned: number;
  timeLimitMs?: number;
  env?: Readonly<Record<string, string>>;
  onProgress?: (executed: number, planned: number) => void;
}

export async function runPart(options: RunPartOptions): Promise<PartResult> {
  const { request, planned, timeLimitMs = PART_TIME_LIMIT_MS, ...rest } = options;
  const startMs = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'refute-part-'));
  const notes = await mkdtemp(join(tmpdir(), 'refute-notes-'));
  try {
    // With a planted fault the receipt does not hang on what is read.
    const log = request.executor === 'webgpu' && rest.env === undefined ? shaderLog(notes) : null;
    const end = await runChild({
      ...rest,
      ...(log === null ? {} : { env: log.env }),
      request: { ...request, type: 'part', folder },
      cwd: request.root,
      timeLimitMs,
    });
    const shaders = log?.read();
    if (end.type === 'report' && shaders !== undefined) end.report.touched.shaders = shaders;
    return {
      part: request.part,
      durationMs: Math.round(performance.now() - startMs),
      ...resultOf(end, request.executor, planned),
    };
  } finally {
    for (const made of [folder, notes]) await rm(made, { recursive: true, force: true });
  }
}

/** What a falsifier module holds. @throws RefuteError E_FALSIFIER_MODULE when it cannot be loaded */
export async function describeModule(module: string, root: string): Promise<ModuleDescription> {
  const end = await runChild({
    request: { type: 'describe', module },
    cwd: root,
    timeLimitMs: DESCRIBE_TIME_LIMIT_MS,
  });
  if (end.type === 'description') return end.description;
  const is = end.type === 'unusable' ? end.message : `loading it ended with ${JSON.stringify(end)}`;
  throw new RefuteError({ code: 'E_FALSIFIER_MODULE', place: module, is });
}

function resultOf(end: ChildEnd, executor: ExecutorId, planned: number): Omit<PartResult, 'part' | 'durationMs'> {
  switch (end.type) {
    case 'report': {
      const { executed } = end.report;
      return { ...judgeReport(end.report, executor), executed, planned: end.report.planned, report: end.report };
    }
    case 'absent': {
      const { need, why } = end;
      return { verdict: 'not-run', reason: { code: 'need-absent', need, why }, executed: 0, planned };
    }
    case 'executor-absent': {
      const reason = { code: 'executor-absent', executor, why: end.why } as const;
      return { verdict: 'not-run', reason, executed: 0, planned };
    }
    case 'unusable':
      return { verdict: 'error', executed: 0, planned, reason: { code: 'unusable', message: end.message } };
    case 'died':
      return { verdict: 'error', reason: end.reason, executed: end.executed, planned };
    case 'description':
      throw new Error('a child answered a part with a description');
  }
}
