// An engine that is made up: a program in float32 steps with the formats that are given to it, op by op. Each result is the
// exact one of its own inputs, rounded once, so that it is healthy in these formats and in no others. The roundings are
// its own; the formulas are the oracle's.
import type { WeightSource } from '../../../src/engine/program/executor.ts';
import type { Op, Program, ValueId } from '../../../src/engine/program/program.ts';
import type { TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import { evaluateOp } from '../../../src/oracles/float64/evaluate-op.ts';

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

function rounded(x: Float32Array, to: SubjectRounding): Float64Array {
  if (to === 'f32') return Float64Array.from(x);
  if (to === 'f16') return Float64Array.from(x, Math.f16round);
  if (to === 'bf16') return Float64Array.from(x, toBf16);
  const size = to === 'q8_0' ? 32 : 256;
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += size) out.set(eightBits(x.subarray(at, at + size), to), at);
  return out;
}

const bits = new DataView(new ArrayBuffer(4));

function toBf16(value: number): number {
  bits.setFloat32(0, value);
  const whole = bits.getUint32(0);
  bits.setUint32(0, (whole + 0x7fff + ((whole >>> 16) & 1)) & 0xffff0000);
  return bits.getFloat32(0);
}

/** One block. q8_0: step max|x|/127, stored as a float16. q8_k: the largest value with its sign becomes −127. */
function eightBits(block: Float32Array, to: 'q8_0' | 'q8_k'): number[] {
  let extreme = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  if (extreme === 0) return [...block].map(() => 0);
  if (to === 'q8_k') {
    const inverse = Math.fround(-127 / extreme);
    const step = Math.fround(1 / inverse);
    return [...block].map((value) => step * Math.min(127, toEven(Math.fround(inverse * value))));
  }
  const step = Math.fround(Math.abs(extreme) / 127);
  const inverse = Math.fround(1 / step);
  return [...block].map((value) => Math.f16round(step) * toEven(Math.fround(value * inverse)));
}

function toEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}
