// What `apr run` says where numbers left their range: the run is repeated with every value shown, and the first place
// named. Costs nothing where no norm was suspect and the logits say something.
import { locateBreach, type RangeReport } from '../../../diagnosis/range/index.ts';
import {
  fileNames,
  oddWeights,
  type Executor,
  type FloatArray,
  type LogitRange,
  type Model,
  type Notice,
  type Program,
} from '../../../engine/index.ts';
import { RefuteError } from '../../../errors.ts';
import { interruptSignal } from '../../interrupt.ts';

interface Range {
  model: Model;
  executor: Executor<FloatArray>;
  /** That the session was opened for. */
  contextLength: number;
}

export function locate(
  tokens: readonly number[],
  { model, executor, contextLength }: Range,
): Promise<RangeReport | null> {
  const context = {
    weights: model.weights,
    nameOf: fileNames(model.tensors),
    contextLength,
    signal: interruptSignal(),
  };
  return locateBreach(executor, tokens, context);
}

/** An infinite logit: below 0 it only rules its token out, and a softcap makes its cap of it. */
export function hasInfinity({ greatest, least }: LogitRange, { ops, logits: head }: Program): boolean {
  const op = ops.find(({ out }) => out === head);
  const cap = op?.op === 'softcap' ? Math.fround(op.cap) : Infinity;
  return greatest >= cap || least <= -cap;
}

export function breachNotice({ sentence }: RangeReport): Notice {
  return { severity: 'warning', code: 'OVERFLOW_NONFINITE', message: `Numbers leave their range ${sentence}.` };
}

/** The error of logits that nothing can be chosen from, with where it began; any other error as it is. */
export async function withPlace(error: unknown, tokens: readonly number[], range: Range): Promise<unknown> {
  if (!(error instanceof RefuteError) || error.code !== 'E_LOGITS') return error;
  const breach = await locate(tokens, range);
  if (breach === null) return error;
  const is = 'the logits hold NaN or +Infinity, or none is above -Infinity';
  const next = `${breach.bugClass} ${breach.sentence}`;
  return new RefuteError({ code: error.code, place: error.place, is, next, cause: error });
}

export async function flatNotice(steps: readonly number[], isDrawn: boolean, model: Model): Promise<Notice> {
  const { program, weights, tensors } = model;
  // What leads from the last layer to the logits.
  const last = program.ops.findLastIndex(({ out }) =>
    program.values.some(({ id, layer }) => id === out && layer !== null),
  );
  const read = new Set(program.ops.slice(last + 1).map((op) => ('weight' in op ? op.weight : null)));
  const ofHead = tensors.filter(({ name }) => read.has(name));
  const [odd] = (await oddWeights({ program, weights, tensors: ofHead })).odd;
  const when = steps.length === 1 ? `step ${steps[0]}` : `${steps.length} steps, first step ${steps[0]}`;
  const how = isDrawn ? 'the token was drawn evenly' : 'token 0 was taken, as the lowest id';
  const why = odd === undefined ? '' : ` (${odd.notice.message})`;
  const message = `All ${program.vocabSize} logits are equal at ${when}: none is the likeliest, and ${how}${why}.`;
  return { severity: 'warning', code: 'LOGITS-EQUAL', message };
}
