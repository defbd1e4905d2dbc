// Kernels on trial: a program of a few ops, run by the executor that the claim is about, in pieces. Fewer than eight positions go one
// by one through the fused kernels, more of them together through one kernel for each op. Every value is tapped, and each op is judged
// on what the run itself read for it, against the float64 formula over the same bytes.
import type { OpReference } from '../../src/diagnosis/ops/judgement.ts';
import { arithmeticOf, type Arithmetic } from '../../src/diagnosis/reference/arithmetic.ts';
import { Lane } from '../../src/diagnosis/reference/lane.ts';
import { opReference } from '../../src/diagnosis/reference/op-reference.ts';
import type { Executor, OpenOptions, Session, WeightSource } from '../../src/engine/program/executor.ts';
import type { Op, OpName, Program, ValueId } from '../../src/engine/program/program.ts';
import { RefuteError } from '../../src/errors.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { withSession } from '../kit/claims/engine-runs.ts';
import { plainBytes } from '../kit/claims/kernel-trial.ts';
import { budgetRatio } from '../kit/judges/budget-ratio.ts';

export interface Trial {
  program: Program;
  weights: WeightSource;
  /** Positions of each piece; from eight on they are made together. */
  lengths: readonly number[];
}

/** Tokens of one run and what came of it. */
export interface Piece {
  tokens: readonly number[];
  firstPosition: number;
  /** [positions, channels] */
  values: Map<ValueId, Float32Array>;
}

/** What one op wrote in one piece, and what it should have. */
export interface JudgedOp extends OpReference {
  op: Op;
  piece: number;
  values: Float32Array;
  /** As `proven`, of somebody else's engine on the same inputs. */
  provenOfOther: ArrayLike<number>;
}

/** Token t is row t of a trial's inputs. */
export function tokensOf({ program: { vocabSize } }: Pick<Trial, 'program'>, first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (first + i) % vocabSize);
}

/** Checked runs begin with NaN wherever nobody has written, workgroup memory included, and have guards behind all that is written. */
export const CHECKED: OpenOptions = { isChecked: true };

/** Opens an executor for one use. */
export async function withExecutor<Result>(
  context: PartContext,
  trial: Pick<Trial, 'program' | 'weights'>,
  use: (executor: Executor) => Promise<Result>,
  options: OpenOptions = {},
): Promise<Result> {
  const executor = await context.openExecutor(trial, options);
  try {
    return await use(executor);
  } finally {
    await executor.close();
  }
}

/** Every piece with every value, in one session. */
export async function runPieces(executor: Executor, lengths: readonly number[]): Promise<Piece[]> {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return withSession(executor, total, (session) => tapPieces(executor.program, session, lengths));
}

/** Goes on where the session is. */
export async function tapPieces(program: Program, session: Session, lengths: readonly number[]): Promise<Piece[]> {
  const ids = new Set(program.values.map(({ id }) => id));
  const pieces: Piece[] = [];
  for (const length of lengths) {
    const firstPosition = session.positionCount;
    const tokens = tokensOf({ program }, firstPosition, length);
    const values = new Map<ValueId, Float32Array>();
    const onValue = (id: ValueId, data: Float32Array): void => void values.set(id, data);
    await session.run({ tokens, logits: 'none', tap: { values: ids, onValue } });
    pieces.push({ tokens, firstPosition, values });
  }
  return pieces;
}

/** The ops of these names in every piece. @param other what may be assumed of somebody else's engine; absent: nobody asks */
export async function judge(
  { program, weights }: Pick<Trial, 'program' | 'weights'>,
  arithmetic: Arithmetic,
  pieces: readonly Piece[],
  names: readonly OpName[],
  other: Arithmetic | null = null,
): Promise<JudgedOp[]> {
  const captured = new Lane(weights, null);
  const widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  const contextLength = pieces.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const judged: JudgedOp[] = [];
  for (const [number, { tokens, firstPosition, values }] of pieces.entries()) {
    for (const [id, data] of values) captured.set(id, Float64Array.from(data));
    const chunk = { tokens, firstPosition, isLast: number === pieces.length - 1, contextLength };
    for (const op of program.ops.filter((candidate) => names.includes(candidate.op))) {
      const referenceBy = (by: Arithmetic): Promise<OpReference> =>
        opReference(op, chunk, { arithmetic: by, widths, captured, free: [] });
      judged.push({
        ...(await referenceBy(arithmetic)),
        op,
        piece: number,
        values: values.get(op.out) ?? new Float32Array(0),
        provenOfOther: other === null ? [] : (await referenceBy(other)).proven,
      });
    }
  }
  return judged;
}

/** Runs a trial and judges the ops of these names. */
export async function runJudged(
  context: PartContext,
  trial: Trial,
  names: readonly OpName[],
  other: Arithmetic | null = null,
): Promise<JudgedOp[]> {
  const run = async (executor: Executor): Promise<JudgedOp[]> => {
    const pieces = await runPieces(executor, trial.lengths);
    return judge(trial, arithmeticOf(executor.profile), pieces, names, other);
  };
  return withExecutor(context, trial, run, CHECKED);
}

/** Infinity where something is written beyond the end of what it is written to. */
export async function orBeyondEnd(measure: () => Promise<number>): Promise<number> {
  try {
    return await measure();
  } catch (error) {
    if (error instanceof RefuteError && error.code === 'E_GPU_GUARD') return Infinity;
    throw error;
  }
}

/** The worst rho of the ops of these names; NaN where there is none. */
export async function worstRho(context: PartContext, trial: Trial, names: readonly OpName[]): Promise<number> {
  const judged = await runJudged(context, trial, names);
  for (const { values } of judged) context.output(plainBytes(values));
  return judged.length === 0 ? Number.NaN : Math.max(...judged.map((one) => budgetRatio(one.values, one)));
}
