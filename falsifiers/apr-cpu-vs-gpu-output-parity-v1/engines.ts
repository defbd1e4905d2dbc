// The CPU executor and the one that the claim is about, on one model and the same tokens: logits of every position, what the
// two declared profiles explain of their difference, and the text that each takes by itself.
import { compareEngines } from '../../src/diagnosis/parity/compare-engines.ts';
import type { PositionParity } from '../../src/diagnosis/parity/compare.ts';
import { openCpuExecutor } from '../../src/engine/cpu/cpu-executor.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { Executor } from '../../src/engine/program/executor.ts';
import { runTapped, withSession, type Engines } from '../kit/claims/engine-runs.ts';
import { indexOfLargest } from '../kit/judges/comparisons.ts';

/** Logits are nearly flat after one token: it is reported, and decides nothing. */
export const GATING_FROM = 1;

export interface Both {
  model: Model;
  cpu: Executor;
  gpu: Executor;
}

const onCpu = new Map<Model, Promise<Executor>>();

/** Kept open as long as the part runs. */
export async function bothEngines(engines: Engines, model: Model): Promise<Both> {
  const cpu = onCpu.get(model) ?? openCpuExecutor(model.program, model.weights);
  onCpu.set(model, cpu);
  return { model, cpu: await cpu, gpu: await engines.executor(model) };
}

export async function closeCpu(): Promise<void> {
  for (const executor of onCpu.values()) await (await executor).close();
  onCpu.clear();
}

/** Every position, the first included. */
export async function teacherForced({ model, cpu, gpu }: Both, tokens: readonly number[]): Promise<PositionParity[]> {
  const { program, weights } = model;
  const rowCount = tokens.length;
  const logitsOf = async (of: Executor): Promise<Float32Array> =>
    (await runTapped(of, { tokens, logits: 'all' })).logits;
  const answer = { kind: 'logits', logits: await logitsOf(cpu), rowCount } as const;
  const { positions } = await compareEngines({
    program,
    weights,
    tokens,
    ours: { name: gpu.id, profile: gpu.profile, logits: await logitsOf(gpu), rowCount },
    theirs: { name: cpu.id, answer, profiles: [cpu.profile], hasSameWeights: true },
  });
  return positions;
}

/** How many times the largest draw of the declared roundings the two are apart; NaN where a logit is not finite. */
export function inDraws({ distance, explained }: Pick<PositionParity, 'distance' | 'explained'>): number {
  // `explained` is what four draws reach, and a KL goes with the square.
  return distance === 0 ? 0 : 4 * Math.sqrt(distance / explained);
}

/** 0 where both take one token; else the margin by which double precision prefers one of the two, over its spread. */
export function inSpreads({ isSameTop, flip }: Pick<PositionParity, 'isSameTop' | 'flip'>): number {
  if (isSameTop) return 0;
  return flip === null ? Number.NaN : flip.margin / flip.spread;
}

/** What an executor says after the tokens, each time the likeliest. */
export async function greedy(executor: Executor, tokens: readonly number[], count: number): Promise<number[]> {
  return withSession(executor, tokens.length + count, async (session) => {
    const said: number[] = [];
    let next = tokens;
    while (said.length < count) {
      said.push(indexOfLargest((await session.run({ tokens: next, logits: 'last' })).logits));
      next = said.slice(-1);
    }
    return said;
  });
}
