// One falsifier for kernels: on searched trials, on what the bundled model's forward pass feeds them, and on what Transformers
// recorded. What a trial is stands with each claim.
import type fc from 'fast-check';
import { arithmeticOf, type Arithmetic } from '../../src/diagnosis/reference/arithmetic.ts';
import { UNDECLARED } from '../../src/engine/program/numeric-profile.ts';
import type { OpName, ValueId } from '../../src/engine/program/program.ts';
import type { Falsifier, Part, PartContext } from '../../src/runner/run/falsifier.ts';
import { plainBytes } from '../kit/claims/kernel-trial.ts';
import { budgetRatio } from '../kit/judges/budget-ratio.ts';
import { recordedRuns, PACK_RUNS, type StageRun } from '../kit/models/trained-stages.ts';
import {
  judge,
  orBeyondEnd,
  runJudged,
  runPieces,
  withExecutor,
  worstRho,
  type JudgedOp,
  type Trial,
} from './trial.ts';

/** The bundled model: position by position, and many at once. */
const LIVE_FILE = 'sums-2m.q4_k_m.gguf';
const LIVE_LENGTHS = [20, 3];
/** In which the packs have stages; one layer of each is asked for. */
const LAYERS = 4;

export interface OpsClaim<Recipe> {
  ops: readonly OpName[];
  recipes: fc.Arbitrary<Recipe>;
  planned: number;
  /** @param n which search input it is, from 0 */
  make: (recipe: Recipe, n: number) => Trial;
  /** Of `ops`, those that the bundled model has. */
  liveOps?: readonly OpName[];
  oracle?: Part;
}

export function opsParts<Recipe>({
  ops,
  recipes,
  planned,
  make,
  liveOps,
  oracle,
}: OpsClaim<Recipe>): Falsifier['parts'] {
  return {
    generated: {
      planned,
      async run(context) {
        let n = 0;
        await context.search(recipes, context.planned, (recipe) =>
          orBeyondEnd(() => worstRho(context, make(recipe, n++), ops)),
        );
      },
    },
    ...(liveOps === undefined ? {} : { live: livePart(liveOps) }),
    ...(oracle === undefined ? {} : { oracle }),
  };
}

function livePart(ops: readonly OpName[]): Part {
  return {
    needs: ['model:sums-2m'],
    planned: ops.length * LIVE_LENGTHS.length,
    async run(context) {
      const model = await context.openModel(context.model('model:sums-2m', LIVE_FILE));
      try {
        const judged = await withExecutor(context, model, async (executor) => {
          const pieces = await runPieces(executor, LIVE_LENGTHS);
          return judge(model, arithmeticOf(executor.profile), pieces, ops);
        });
        for (const piece of LIVE_LENGTHS.keys()) {
          for (const name of ops) measureWorst(context, judged, name, piece);
        }
      } finally {
        await model.close();
      }
    },
  };
}

/** As one case: the ops of one name in one piece. */
function measureWorst(context: PartContext, judged: readonly JudgedOp[], name: OpName, piece: number): void {
  const own = judged.filter((one) => one.op.op === name && one.piece === piece);
  let worst = own.length === 0 ? Number.NaN : 0;
  let where = '';
  for (const one of own) {
    context.output(plainBytes(one.values));
    const rho = budgetRatio(one.values, one);
    if (!(rho <= worst)) [worst, where] = [rho, one.op.out];
  }
  const how = (LIVE_LENGTHS[piece] ?? 0) < 8 ? 'one by one' : 'together';
  context.measure(worst, `${name}, ${LIVE_LENGTHS[piece]} positions ${how}, ${where}`);
}

/** Recorded inputs of one op, and what was recorded of its outputs. */
export interface RecordedTrial extends Omit<Trial, 'lengths'> {
  recorded: ReadonlyMap<ValueId, Float32Array>;
  ops: readonly OpName[];
  positions: number;
}

/** How many of the first positions of a recording: together, and one by one. */
const ORACLE_LENGTHS = [16, 4];

/**
 * What Transformers recorded in float32, within both engines' budgets.
 *
 * @param stages that `trialsOf` reads
 * @param perLayer how many values `trialsOf` answers for a layer
 */
export function recordedPart(
  stages: readonly string[],
  perLayer: number,
  trialsOf: (run: StageRun, layer: number) => RecordedTrial[],
): Part {
  return {
    planned: PACK_RUNS * perLayer,
    async run(context) {
      for (const [n, run] of (await recordedRuns(context, stages)).entries()) {
        const layer = n % LAYERS;
        for (const trial of trialsOf(run, layer)) await judgeRecorded(context, trial, `${run.where}, layer ${layer}`);
      }
    },
  };
}

const THEIRS: Arithmetic = arithmeticOf(UNDECLARED);

/**
 * |ours − theirs| ≤ |ours − exact| + |exact − theirs|.
 *
 * @param moved how far rounding what was recorded may move a result, in parts of it
 */
export async function judgeRecorded(
  context: PartContext,
  trial: RecordedTrial,
  where: string,
  moved = 0,
): Promise<void> {
  const lengths = piecesOf(trial.positions);
  const judged = await runJudged(context, { ...trial, lengths }, trial.ops, THEIRS);
  for (const [id, recorded] of trial.recorded) {
    const rhos: number[] = [];
    let first = 0;
    for (const one of judged.filter(({ op }) => op.out === id)) {
      const reference = recorded.subarray(first, first + one.values.length);
      const proven = one.proven.map(
        (ours, i) => ours + (one.provenOfOther[i] ?? Number.NaN) + moved * Math.abs(reference[i] ?? 0),
      );
      rhos.push(budgetRatio(one.values, { reference, proven }));
      context.output(plainBytes(one.values));
      first += one.values.length;
    }
    context.measure(rhos.length === 0 ? Number.NaN : Math.max(...rhos), `${where}, ${id}`);
  }
}

function piecesOf(positions: number): number[] {
  const [many = 0, few = 0] = ORACLE_LENGTHS;
  return positions >= many + few
    ? [...ORACLE_LENGTHS]
    : [Math.max(1, positions - few), Math.min(few, positions - 1)].filter((n) => n > 0);
}
