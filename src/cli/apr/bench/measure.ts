// The measuring of `apr bench`: the same tokens through each engine, in rounds, one engine after the other in each round, so that
// whatever else the machine does meets all of them. No sampling and no text: a run ends with its logits.
import type { Executor, FloatArray, Program } from '../../../engine/index.ts';
import type { RunTimes } from '../../../oracles/external/index.ts';

/** An engine that runs a prompt and then tokens one by one, each run timed. */
export interface TimedEngine {
  name: string;
  time(tokens: readonly number[], decoded: readonly number[]): Promise<RunTimes>;
}

/** Tokens per second: of the fastest run, which was least disturbed, and of the middle one. */
export interface Speed {
  best: number;
  median: number;
}

export interface EngineSpeed {
  name: string;
  prefill: Speed;
  decode: Speed;
}

/** In one session, which each timing begins anew. */
export async function timedExecutor(
  name: string,
  executor: Executor<FloatArray>,
  contextLength: number,
  signal: AbortSignal,
): Promise<TimedEngine> {
  const session = await executor.openSession(contextLength);
  const timed = async (tokens: readonly number[]): Promise<number> => {
    const startMs = performance.now();
    await session.run({ tokens, logits: 'last', signal });
    return performance.now() - startMs;
  };
  return {
    name,
    async time(tokens, decoded) {
      session.truncate(0);
      const prefillMs = await timed(tokens);
      const decodeMs: number[] = [];
      for (const token of decoded) decodeMs.push(await timed([token]));
      return { prefillMs, decodeMs };
    },
  };
}

/** Ids all over the vocabulary, the same in every run of every engine. */
export function benchTokens({ vocabSize }: Pick<Program, 'vocabSize'>, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (7919 * i + 104_729) % vocabSize);
}

export interface Rounds {
  promptCount: number;
  decodeCount: number;
  roundCount: number;
  onRound: (round: number, engine: string) => void;
}

/** A short round before the others is not counted: kernels are compiled and pages are mapped there. */
export async function measure(
  engines: readonly TimedEngine[],
  program: Pick<Program, 'vocabSize'>,
  { promptCount, decodeCount, roundCount, onRound }: Rounds,
): Promise<EngineSpeed[]> {
  const tokens = benchTokens(program, promptCount + decodeCount);
  const [prompt, decoded] = [tokens.slice(0, promptCount), tokens.slice(promptCount)];
  const seen = engines.map((): RunTimes[] => []);
  for (let round = 0; round <= roundCount; round += 1) {
    for (const [i, engine] of engines.entries()) {
      onRound(round, engine.name);
      const times = await engine.time(prompt, round === 0 ? decoded.slice(0, WARM_UP_COUNT) : decoded);
      if (round > 0) seen[i]?.push(times);
    }
  }
  return engines.map(({ name }, i) => {
    const runs = seen[i] ?? [];
    return {
      name,
      prefill: speedOf(
        runs.map(({ prefillMs }) => prefillMs),
        promptCount,
      ),
      decode: speedOf(
        runs.flatMap(({ decodeMs }) => decodeMs),
        1,
      ),
    };
  });
}

const WARM_UP_COUNT = 3;

function speedOf(runMs: readonly number[], tokenCount: number): Speed {
  const sorted = runMs.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
  return { best: (1000 * tokenCount) / (sorted[0] ?? Number.NaN), median: (1000 * tokenCount) / median };
}

/** Bytes of matrices that a token reads: of experts those of the chosen ones, of the embedding one row. */
export function weightBytesOf(
  { ops }: Pick<Program, 'ops'>,
  infoOf: (name: string) => { byteLength: number } | undefined,
  usedExperts: (op: Extract<Program['ops'][number], { op: 'expertMatmul' }>) => number,
): number {
  return ops.reduce((sum, op) => {
    if (op.op === 'matmul') return sum + (infoOf(op.weight)?.byteLength ?? 0);
    if (op.op !== 'expertMatmul') return sum;
    return sum + ((infoOf(op.weight)?.byteLength ?? 0) * usedExperts(op)) / op.expertCount;
  }, 0);
}
