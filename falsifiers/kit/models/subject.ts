// An engine that is made up: a program in float32 steps with the formats that are given to it, op by op. Each result is the
// exact one of its own inputs, rounded once, so that it is healthy in these formats and in no others. The roundings are
// none of the product's; the formulas are the oracle's.
import type { WeightSource } from '../../../src/engine/program/executor.ts';
import type { Op, Program, ValueId } from '../../../src/engine/program/program.ts';
import type { TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import { evaluateOp } from '../../../src/oracles/float64/evaluate-op.ts';
import { BF16_BUILDS, F16_BUILDS, Q8_0_BUILDS, Q8_K_BUILDS, type Build } from '../references/plain-roundings.ts';

export type SubjectRounding = 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q8_k';

export interface Subject {
  program: Program;
  weights: WeightSource;
  tokens: readonly number[];
  /** Of the inputs of products with weights of a type. */
  activations?: (op: Op, type: TensorTypeName) => SubjectRounding;
  cache?: (op: Op) => SubjectRounding;
  /** In place, before the result is rounded and read by others. */
  spoil?: (op: Op, y: Float64Array) => void;
}

export async function subjectValues(subject: Subject): Promise<Map<ValueId, Float32Array>> {
  const { program, weights, tokens, activations, cache, spoil } = subject;
  const written = new Map<ValueId, Float32Array>();
  for (const op of program.ops) {
    const values = new Map<ValueId, Float32Array | Float64Array>(written);
    const round = (id: ValueId, to: SubjectRounding): void => {
      values.set(id, rounded(written.get(id) ?? new Float32Array(0), to));
    };
    const type = 'weight' in op ? weights.info(op.weight)?.type : undefined;
    if ((op.op === 'matmul' || op.op === 'expertMatmul') && type !== undefined) {
      round(op.in, activations?.(op, type) ?? 'f32');
    }
    if (op.op === 'attention') for (const id of [op.k, op.v]) round(id, cache?.(op) ?? 'f32');
    const y = await evaluateOp(op, { weights, values, tokens, firstPosition: 0, contextLength: tokens.length });
    spoil?.(op, y);
    written.set(op.out, Float32Array.from(y));
  }
  return written;
}

const ROUNDINGS: Readonly<Record<Exclude<SubjectRounding, 'f32'>, readonly Build[]>> = {
  f16: F16_BUILDS,
  bf16: BF16_BUILDS,
  q8_0: Q8_0_BUILDS,
  q8_k: Q8_K_BUILDS,
};

/** As the first kind of build of ggml does. */
function rounded(x: Float32Array, to: SubjectRounding): Float64Array {
  const [build] = to === 'f32' ? [] : ROUNDINGS[to];
  return build === undefined ? Float64Array.from(x) : build(x).values;
}
