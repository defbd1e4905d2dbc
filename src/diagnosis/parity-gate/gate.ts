// The parity gate: before a GPU speaks, it is held against the CPU on a few tokens (f2.ts), by the very executor that is
// going to speak, and ops of every kind are judged in float64 on its own inputs. Runs in Node and in a page; no files, no
// output.
import type { Executor, FloatArray, Session, Tap, WeightSource } from '../../engine/program/executor.ts';
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';
import { argmax } from '../../engine/text/sample.ts';
import { Judge, type OpResult } from '../check/judge.ts';
import { rhoByOp, type OpKindRho } from '../check/rho-by-op.ts';
import { compareRuns, type PathFault } from '../check/run-plan.ts';
import { coverageOf, verdictOf, type CheckVerdict } from '../check/verdict.ts';
import { f2Positions, type GatePosition } from './f2.ts';
import { sampledOps } from './sampled-ops.ts';

type GateWord = 'PASS' | 'SUSPECT' | 'FAIL';

export interface GateReport {
  /** FAIL: it must not speak. SUSPECT: an op is over its expected budget and within the proven one. */
  verdict: GateWord;
  sentence: string;
  /** The op that is at fault; null: none is known. */
  at: CheckVerdict['at'];
  bugClass: CheckVerdict['bugClass'];
  positions: GatePosition[];
  /** From position 1 on; null: there is none. */
  leastCosine: number | null;
  judgedOps: number;
  opCount: number;
  rhoByOp: OpKindRho[];
}

export interface GateOptions {
  /** The one that is going to speak. */
  executor: Executor<FloatArray>;
  /** Opens what it is held against, on the same program and weights; closed again here. */
  openReference: () => Promise<Executor<FloatArray>>;
  /** The judge's own, from a source that a fault under test has not touched. */
  program: Program;
  weights: WeightSource;
  /** A prompt and the token after it, which is decoded by itself (gate-tokens.ts). */
  tokens: readonly number[];
  /** Stops the gate within a step. */
  signal?: AbortSignal | undefined;
  onProgress?: ((op: Op, index: number, count: number) => void) | undefined;
}

/** @throws RefuteError those of the executors */
export async function runGate(options: GateOptions): Promise<GateReport> {
  const { executor, program, weights, tokens, openReference, signal } = options;
  const { logits: spoken, choice } = await logitsOf(executor, tokens, { signal });
  const reference = await openReference();
  let expected: FloatArray[];
  try {
    ({ logits: expected } = await logitsOf(reference, tokens, { signal }));
  } finally {
    await reference.close();
  }
  const positions = f2Positions(joined(spoken), joined(expected), program.vocabSize);
  const rejected = positions.filter(({ isRejected }) => isRejected);
  const judgeSome = async (chosen: ReadonlySet<ValueId>): Promise<CheckVerdict & { results: OpResult[] }> => {
    const { results, watched } = await judgeOps(options, chosen);
    return { ...localVerdict(program, results, compareRuns(watched, spoken)), results };
  };
  let local = await judgeSome(sampledOps(program, weights));
  // Whatever is wrong shall be named.
  if (rejected.length > 0 && local.verdict !== 'BUG')
    local = await judgeSome(new Set(program.ops.map(({ out }) => out)));
  const compared = positions.slice(1).map(({ cosine }) => cosine);
  const isRefused = rejected.length > 0 || local.verdict === 'BUG' || choice !== null;
  const verdict = isRefused ? 'FAIL' : local.verdict === 'SUSPECT' ? 'SUSPECT' : 'PASS';
  const isLocal = local.verdict === 'BUG' || local.verdict === 'SUSPECT';
  return {
    verdict,
    sentence: sentenceOf(rejected, (isLocal ? local.sentence : null) ?? choice, verdict),
    at: isLocal ? local.at : null,
    bugClass: isLocal ? local.bugClass : null,
    positions,
    leastCosine: compared.length === 0 ? null : compared.reduce((least, one) => (one >= least ? least : one)),
    judgedOps: coverageOf(program, local.results).judgedOps,
    opCount: program.ops.length,
    rhoByOp: rhoByOp(program, weights, local.results),
  };
}

function sentenceOf([first]: readonly GatePosition[], ofOp: string | null, verdict: GateWord): string {
  const passed = `${verdict}: its logits are the CPU's, and the ops that were judged are within their budgets`;
  if (first === undefined) return ofOp ?? passed;
  const flip = first.isSameTop ? '' : ', another token chosen';
  const apart = `its logits are not the CPU's at position ${first.position} (cosine ${first.cosine.toPrecision(4)}${flip})`;
  return ofOp === null ? `${apart}, and no op by itself is over its budget` : `${ofOp}; ${apart}`;
}

/** By the words of `apr check`; that nobody vouches for the program is not the gate's question. */
function localVerdict(program: Program, results: readonly OpResult[], pathFault: PathFault | null): CheckVerdict {
  return verdictOf({
    program,
    results,
    inferred: [],
    coverage: coverageOf(program, results),
    verification: { status: 'unverified', says: '', packs: [], firstDifference: null },
    pathFault,
    confirmed: new Set(),
    logitShare: null,
    outOfRange: null,
    oddWeights: [],
  });
}

/**
 * The prompt in one piece and a step after it, as a generation runs them.
 *
 * @returns `choice`: in what the token that the executor itself chooses is not the one of its logits; null: in nothing
 */
async function logitsOf(
  executor: Executor<FloatArray>,
  tokens: readonly number[],
  { signal, tap }: { signal: AbortSignal | undefined; tap?: Tap<FloatArray> },
): Promise<{ logits: FloatArray[]; choice: string | null }> {
  const session: Session<FloatArray> = await executor.openSession(tokens.length);
  try {
    const logits: FloatArray[] = [];
    const pieces = tokens.length === 1 ? [tokens] : [tokens.slice(0, -1), tokens.slice(-1)];
    for (const piece of pieces) {
      const request = { tokens: piece, logits: 'all', signal, ...(tap === undefined ? {} : { tap }) } as const;
      logits.push((await session.run(request)).logits);
    }
    if (tap !== undefined || session.runGreedy === undefined) return { logits, choice: null };
    const last = pieces.at(-1) ?? [];
    session.truncate(tokens.length - last.length);
    const { id } = await session.runGreedy({ tokens: last, signal });
    const row = (logits.at(-1) ?? new Float32Array(0)).slice(-executor.program.vocabSize);
    return { logits, choice: wrongChoice(id, row) };
  } finally {
    session.close();
  }
}

/** That nothing is chosen is right where a logit is no finite number. */
function wrongChoice(id: number | null, logits: FloatArray): string | null {
  if (!logits.every((logit) => Number.isFinite(logit))) return id === null ? null : 'it chooses a token from NaN';
  const likeliest = argmax(logits);
  return id === likeliest ? null : `it chooses token ${id}, and the greatest of its logits is that of ${likeliest}`;
}

/** @param chosen values whose ops are judged; what these read is looked at for them */
async function judgeOps(
  { executor, program, weights, tokens, signal, onProgress }: GateOptions,
  chosen: ReadonlySet<ValueId>,
): Promise<{ results: OpResult[]; watched: FloatArray[] }> {
  const { profile, undeclared = [] } = executor;
  const progress = onProgress === undefined ? {} : { onProgress };
  const formats = { profile, undeclared };
  const judge = new Judge({ program, weights, tokens, formats, hasFreeRun: false, original: null, ...progress });
  const read = program.ops.filter(({ out }) => chosen.has(out)).flatMap((op) => operands(op).reads);
  const tap: Tap<FloatArray> = {
    values: new Set([...chosen, ...read]),
    onValue: (value, data, firstPosition) =>
      chosen.has(value) ? judge.judge(value, data, firstPosition) : judge.give(value, data),
  };
  const { logits: watched } = await logitsOf(executor, tokens, { signal, tap });
  return { results: judge.finish(), watched };
}

function joined(runs: readonly FloatArray[]): Float64Array {
  const all = new Float64Array(runs.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const run of runs) {
    all.set(run, at);
    at += run.length;
  }
  return all;
}
