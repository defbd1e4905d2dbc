// What another engine's declared roundings do to the logits of a model: the program in double precision, once exactly (R)
// and once with the activations of every matrix product in that engine's format (S). Op by op with the oracle's formulas.
import { roundActivations } from '../../src/diagnosis/reference/activations.ts';
import type { Model } from '../../src/engine/model/model.ts';
import { operands } from '../../src/engine/program/program.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import { multiplyRows, type RowSet } from '../../src/diagnosis/reference/matmul.ts';
import { evaluateOp } from '../../src/oracles/float64/evaluate-op.ts';

/** What ggml makes of the activations before it multiplies them with weights of a type. */
function asGgml(x: Float64Array, weightType: TensorTypeName): RowSet {
  const partner = TENSOR_TYPES[weightType].activationPartner;
  // Half floats meet float32 as it is opened here.
  if (partner === null || partner === 'f16') return { x };
  const { values, sums } = roundActivations(x, partner);
  return { x: values, sums };
}

/** Logits of every position in double precision: exact, and with ggml's activations. One pass: a weight is decoded once. */
export async function doubleLogits(
  { program, weights }: Model,
  tokens: readonly number[],
): Promise<{ exact: Float64Array; emulated: Float64Array }> {
  const lanes = [new Map<string, Float64Array>(), new Map<string, Float64Array>()] as const;
  const widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  const lastReads = new Map(program.ops.flatMap((op, i) => operands(op).reads.map((id) => [id, i] as const)));
  const none = new Float64Array(0);
  for (const [i, op] of program.ops.entries()) {
    if (op.op === 'matmul') {
      const [exact, emulated] = [lanes[0].get(op.in) ?? none, lanes[1].get(op.in) ?? none];
      const sets = [{ x: exact }, asGgml(emulated, weights.info(op.weight)?.type ?? 'f32')];
      const [columns, rows] = [widths.get(op.in) ?? 0, widths.get(op.out) ?? 0];
      const products = await multiplyRows(weights, op.weight, columns, rows, sets);
      for (const [n, lane] of lanes.entries()) lane.set(op.out, products[n]?.y ?? none);
    } else {
      for (const values of lanes)
        values.set(
          op.out,
          await evaluateOp(op, { weights, tokens, firstPosition: 0, contextLength: tokens.length, values }),
        );
    }
    const done = operands(op).reads.filter((id) => lastReads.get(id) === i);
    for (const lane of lanes) for (const id of done) lane.delete(id);
  }
  return { exact: lanes[0].get(program.logits) ?? none, emulated: lanes[1].get(program.logits) ?? none };
}

/** a − b less its mean: softmax does not see a constant. */
function centred(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  const difference = Float64Array.from(a, (value, i) => value - (b[i] ?? Number.NaN));
  const mean = difference.reduce((sum, value) => sum + value, 0) / difference.length;
  return difference.map((value) => value - mean);
}

/** ‖a − b‖ / ‖c − d‖, each less its mean. */
export function spreadRatio(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  c: ArrayLike<number>,
  d: ArrayLike<number>,
): number {
  const [seen, explained] = [centred(a, b), centred(c, d)].map((row) => Math.hypot(...row)) as [number, number];
  return seen === 0 ? 0 : seen / explained;
}

/** Largest less smallest of a − b: the most by which the order of two logits may have been moved. */
export function rangeOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const difference = centred(a, b);
  return (
    difference.reduce((most, value) => Math.max(most, value), -Infinity) -
    difference.reduce((least, value) => Math.min(least, value), Infinity)
  );
}
