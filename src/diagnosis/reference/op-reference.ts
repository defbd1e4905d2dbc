// What one op should have written on given inputs, in float64 with its budget, while free runs take the same step: the
// lanes over one weight source share each reading and decoding of a matrix.
import { operands, type Op, type ValueId } from '../../engine/program/program.ts';
import { TENSOR_TYPES } from '../../engine/formats/tensor-types.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { readVector } from '../../oracles/float64/weights.ts';
import { ropeFactorsWeight, ropeFrequencies } from '../../oracles/float64/ops/rope-frequencies.ts';
import type { Arithmetic } from './arithmetic.ts';
import type { BudgetInputs, OpReference } from '../ops/judgement.ts';
import { judgementOf } from '../ops/judgements.ts';
import { expertSums, multiplyRows, type RowSet } from './matmul.ts';
import type { Chunk, Lane } from './lane.ts';

export interface ReferenceContext {
  arithmetic: Arithmetic;
  /** Channels of every value. */
  widths: ReadonlyMap<ValueId, number>;
  /** Holds what the op reads. */
  captured: Lane;
  /** Each gets the op's output on its own inputs. */
  free: readonly Lane[];
}

export async function opReference(op: Op, chunk: Chunk, context: ReferenceContext): Promise<OpReference> {
  if (op.op === 'matmul') return matmulReference(op, chunk, context);
  const { arithmetic, captured, free } = context;
  for (const lane of free) lane.set(op.out, (await lane.evaluate(op, chunk)).y);
  const { y: reference, cache } = await captured.evaluate(op, chunk);
  return judgementOf(op.op).budget(op, {
    arithmetic,
    inputs: operands(op).reads.map((id) => captured.get(id) ?? new Float64Array(0)),
    reference,
    rowCount: chunk.tokens.length,
    firstPosition: chunk.firstPosition,
    isWeightRounded: 'weight' in op && isRounded(captured.weights, op.weight),
    cache,
    ...(await ownInputs(op, reference, chunk, context)),
  });
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
  { widths, captured }: ReferenceContext,
): Promise<Partial<BudgetInputs>> {
  const { weights } = captured;
  if (op.op === 'rope') return { frequencies: await frequenciesOf(op, weights, chunk) };
  if (op.op === 'rmsnorm') {
    return { gain: await readVector(weights, op.weight, (widths.get(op.out) ?? 0) / (op.headCount ?? 1)) };
  }
  if (op.op !== 'expertMatmul') return {};
  const input = {
    ...captured.matmulInput(op.in, weights.info(op.weight)?.type),
    experts: captured.get(op.experts) ?? new Float64Array(0),
  };
  return { sums: await expertSums(op, input, reference.length, chunk.tokens.length, weights) };
}

async function matmulReference(
  op: Extract<Op, { op: 'matmul' }>,
  chunk: Chunk,
  { arithmetic, widths, captured, free }: ReferenceContext,
): Promise<OpReference> {
  const [columns, rows] = [widths.get(op.in) ?? 0, widths.get(op.out) ?? 0];
  const { weights } = captured;
  const type = weights.info(op.weight)?.type;
  const { x, steps } = captured.matmulInput(op.in, type);
  if (x.length !== columns * chunk.tokens.length) throw new RangeError(`${op.in} has ${x.length} values`);
  const sharing = free.filter((lane) => lane.weights === weights);
  const sets: RowSet[] = [
    { x, steps, wantsMagnitude: true },
    ...sharing.map((lane) => ({ x: lane.matmulInput(op.in, type).x })),
  ];
  const [own, ...products] = await multiplyRows(weights, op.weight, columns, rows, sets);
  if (own === undefined) throw new RangeError('a matmul without products');
  for (const [i, lane] of sharing.entries()) lane.set(op.out, products[i]?.y ?? new Float64Array(0));
  for (const lane of free) {
    if (lane.weights === weights) continue;
    const { x } = lane.matmulInput(op.in, lane.weights.info(op.weight)?.type);
    const [product] = await multiplyRows(lane.weights, op.weight, columns, rows, [{ x }]);
    lane.set(op.out, product?.y ?? new Float64Array(0));
  }
  const { y: reference, magnitude, stepMagnitude } = own;
  return judgementOf(op.op).budget(op, {
    arithmetic,
    inputs: [x],
    reference,
    rowCount: chunk.tokens.length,
    firstPosition: chunk.firstPosition,
    isWeightRounded: isRounded(weights, op.weight),
    sums: magnitude === null ? null : { length: columns, magnitude, stepMagnitude },
  });
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
