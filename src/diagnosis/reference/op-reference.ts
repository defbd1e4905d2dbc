// What one op should have written on given inputs, in float64 with its budget, while free runs take the same step: the
// lanes over one weight source share each reading and decoding of a matrix. Inputs may be off themselves, by what their
// own ops were allowed (a stretch of ops judged as one): then the budget holds what that makes of the result, too.
import { operands, type AttentionOp, type Op, type ValueId } from '../../engine/program/program.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../engine/formats/tensor-types.ts';
import { activationFormat, type ActivationFormat } from '../../engine/program/numeric-profile.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { readVector } from '../../oracles/float64/weights.ts';
import { ropeFactorsWeight, ropeFrequencies } from '../../oracles/float64/ops/rope-frequencies.ts';
import type { Arithmetic } from './arithmetic.ts';
import type { BudgetInputs, OpReference } from '../ops/judgement.ts';
import { judgementOf } from '../ops/judgements.ts';
import { stepsOf } from './activations.ts';
import { flushedAway, inputDeviations } from './flushed-inputs.ts';
import type { Off, OfInputs } from './attention-inputs.ts';
import { attentionReference, type AttentionInputs } from './attention.ts';
import { expertSums, multiplyRows, type RowSet } from './matmul.ts';
import type { Chunk, Lane } from './lane.ts';

/** How far a value may be off, element by element, in either tier of the budgets that it comes from. */
export type Deviation = Pick<OpReference, 'expected' | 'proven'>;

export interface ReferenceContext {
  arithmetic: Arithmetic;
  /** Channels of every value. */
  widths: ReadonlyMap<ValueId, number>;
  /** Holds what the op reads. */
  captured: Lane;
  /** Each gets the op's output on its own inputs. */
  free: readonly Lane[];
  /** Of the inputs that are not captured but computed; absent: every input is what the op read. */
  deviations?: ReadonlyMap<ValueId, Deviation>;
}

/** @throws RangeError where an input is off and nothing bounds what that does: see `isCarried` */
export async function opReference(op: Op, chunk: Chunk, context: ReferenceContext): Promise<OpReference> {
  if (op.op === 'matmul') return matmulReference(op, chunk, context);
  await stepFree(op, chunk, context);
  if (op.op === 'attention') return attentionOf(op, chunk, context);
  const { arithmetic, captured } = context;
  const { y: reference } = await captured.evaluate(op, chunk);
  const { reads } = operands(op);
  const given: BudgetInputs = {
    arithmetic,
    inputs: reads.map((id) => captured.get(id) ?? new Float64Array(0)),
    reference,
    rowCount: chunk.tokens.length,
    firstPosition: chunk.firstPosition,
    isWeightRounded: 'weight' in op && isRounded(captured.weights, op.weight),
    ...(await ownInputs(op, reference, chunk, context)),
  };
  const judgement = judgementOf(op.op);
  const own = judgement.budget(op, given);
  const isGiven = reads.some((id) => context.deviations?.has(id));
  const off = inputDeviations(op, arithmetic, (id) => captured.get(id), context.deviations);
  if (off.every((deviation) => deviation === null)) return own;
  if (judgement.carry === undefined && !isGiven) return own;
  if (judgement.carry === undefined) throw new RangeError(`nothing bounds what deviating inputs do to ${op.op}`);
  const carried = (tier: 'expected' | 'proven'): Float64Array => {
    const moved = judgement.carry?.(
      op,
      given,
      off.map((deviation) => deviation?.[tier] ?? null),
    );
    return own[tier].map((budgeted, i) => budgeted + (moved?.[i] ?? Number.NaN));
  };
  return { ...own, ...(isGiven && { own: own.expected }), expected: carried('expected'), proven: carried('proven') };
}

/** In the formats of the engine; what is off of its inputs is of every position, as a stretch is judged whole. */
function attentionOf(
  op: AttentionOp,
  chunk: Chunk,
  { arithmetic, captured, deviations }: ReferenceContext,
): OpReference {
  const { keys, values } = captured.stored(op, chunk);
  const inputs: AttentionInputs = { written: [captured.get(op.q) ?? new Float64Array(0), keys, values], arithmetic };
  const off = [op.q, op.k, op.v].map((id) => deviations?.get(id) ?? null);
  if (off.every((deviation) => deviation === null)) return attentionReference(op, inputs);
  const [q = null, k = null, v = null] = off;
  const tier = (name: keyof Deviation): OfInputs<Off> => [q?.[name] ?? null, k?.[name] ?? null, v?.[name] ?? null];
  const carried = attentionReference(op, { ...inputs, off: { expected: tier('expected'), proven: tier('proven') } });
  return { ...carried, own: attentionReference(op, inputs).expected };
}

/** Whether the budget of a stretch can be carried through the op. */
export function isCarried({ op }: Op): boolean {
  return op === 'matmul' || op === 'embed' || judgementOf(op).carry !== undefined;
}

/** One step of the free runs alone. */
export async function stepFree(
  op: Op,
  chunk: Chunk,
  { widths, free }: Pick<ReferenceContext, 'widths' | 'free'>,
): Promise<void> {
  if (op.op !== 'matmul') {
    for (const lane of free) lane.set(op.out, (await lane.evaluate(op, chunk)).y);
    return;
  }
  const [columns, rows] = [widths.get(op.in) ?? 0, widths.get(op.out) ?? 0];
  for (const weights of new Set(free.map((lane) => lane.weights))) {
    const sharing = free.filter((lane) => lane.weights === weights);
    const type = weights.info(op.weight)?.type;
    const sets = sharing.map((lane) => freeInput(lane, op.in, type));
    const products = await multiplyRows(weights, op.weight, columns, rows, sets);
    for (const [i, lane] of sharing.entries()) lane.set(op.out, products[i]?.y ?? new Float64Array(0));
  }
}

/** Whether an engine's float32 weights are one rounding away from what is stored. */
function isRounded(weights: WeightSource, name: string): boolean {
  const info = weights.info(name);
  return info !== undefined && !TENSOR_TYPES[info.type].isExact;
}

/** What one op alone is judged by. */
async function ownInputs(
  op: Op,
  reference: Float64Array,
  chunk: Chunk,
  { widths, captured, arithmetic }: ReferenceContext,
): Promise<Partial<BudgetInputs>> {
  const { weights } = captured;
  if (op.op === 'rope') return { frequencies: await frequenciesOf(op, weights, chunk) };
  if (op.op === 'rmsnorm') {
    return { gain: await readVector(weights, op.weight, (widths.get(op.out) ?? 0) / (op.headCount ?? 1)) };
  }
  if (op.op !== 'expertMatmul') return {};
  const input = {
    ...productInput(op, captured, arithmetic),
    experts: captured.get(op.experts) ?? new Float64Array(0),
  };
  return { sums: await expertSums(op, input, reference.length, chunk.tokens.length, weights) };
}

async function matmulReference(
  op: Extract<Op, { op: 'matmul' }>,
  chunk: Chunk,
  context: ReferenceContext,
): Promise<OpReference> {
  const { arithmetic, widths, captured, free, deviations } = context;
  const [columns, rows] = [widths.get(op.in) ?? 0, widths.get(op.out) ?? 0];
  const { weights } = captured;
  const type = weights.info(op.weight)?.type;
  const input = productInput(op, captured, arithmetic);
  const { x } = input;
  if (x.length !== columns * chunk.tokens.length) throw new RangeError(`${op.in} has ${x.length} values`);
  const given = deviations?.get(op.in) ?? null;
  const format = captured.formats === null ? null : activationFormat(captured.formats, type);
  const [unrounded = null] = inputDeviations(op, arithmetic, (id) => captured.get(id), deviations);
  const off = given === null ? null : format === null ? unrounded : throughRounding(given, x, format);
  const sharing = free.filter((lane) => lane.weights === weights);
  const sets: RowSet[] = [
    { ...input, ...(off !== null && { steps: off.expected }), wantsMagnitude: true },
    ...(off === null ? [] : [{ x, steps: off.proven }]),
    ...sharing.map((lane) => freeInput(lane, op.in, type)),
  ];
  const [own, ...products] = await multiplyRows(weights, op.weight, columns, rows, sets);
  if (own === undefined) throw new RangeError('a matmul without products');
  const proven = off === null ? null : products.shift();
  for (const [i, lane] of sharing.entries()) lane.set(op.out, products[i]?.y ?? new Float64Array(0));
  await stepFree(op, chunk, { widths, free: free.filter((lane) => lane.weights !== weights) });
  const usual = judgementOf(op.op).budget(op, {
    arithmetic,
    inputs: [x],
    reference: own.y,
    rowCount: chunk.tokens.length,
    firstPosition: chunk.firstPosition,
    isWeightRounded: isRounded(weights, op.weight),
    sums: own.magnitude && {
      length: columns,
      magnitude: own.magnitude,
      stepMagnitude: off === null ? own.stepMagnitude : null,
    },
  });
  if (off === null) return usual;
  const widened = (tier: Float64Array, by: Float64Array | null | undefined): Float64Array =>
    tier.map((budgeted, i) => budgeted + (by?.[i] ?? Number.NaN));
  return {
    ...usual,
    own: usual.expected,
    expected: widened(usual.expected, own.stepMagnitude),
    proven: widened(usual.proven, proven?.stepMagnitude),
  };
}

/** A subnormal that may be taken for 0 is a tie; where inputs are rounded, their steps are wider than that. */
function productInput(
  op: Extract<Op, { op: 'matmul' | 'expertMatmul' }>,
  captured: Lane,
  arithmetic: Arithmetic,
): RowSet {
  const type = captured.weights.info(op.weight)?.type;
  const input = captured.matmulInput(op.in, type);
  if (captured.formats !== null && activationFormat(captured.formats, type) !== null) return input;
  return { ...input, steps: flushedAway(arithmetic, input.x) };
}

/** Nothing is judged there: ties fall to their middle. */
function freeInput(lane: Lane, value: ValueId, type: TensorTypeName | undefined): RowSet {
  const { x, sums = null } = lane.matmulInput(value, type);
  return { x, sums };
}

/**
 * Of an input that is rounded on its way in: what is off by δ may fall to another step, so δ and a whole step. Wide,
 * and never wrong.
 */
function throughRounding({ expected, proven }: Deviation, x: Float64Array, format: ActivationFormat): Deviation {
  const steps = stepsOf(x, format);
  const widened = (tier: Float64Array): Float64Array => tier.map((off, i) => 2 * off + (steps[i] ?? Number.NaN));
  return { expected: widened(expected), proven: widened(proven) };
}

async function frequenciesOf(
  { rope }: Extract<Op, { op: 'rope' }>,
  weights: WeightSource,
  { contextLength }: Chunk,
): Promise<Float64Array> {
  const weight = ropeFactorsWeight(rope, contextLength);
  const factors = weight === null ? null : await readVector(weights, weight, rope.rotaryDim / 2);
  return ropeFrequencies(rope, factors, contextLength);
}
