// One op on given inputs: the table from the ops of a Program to their formulas. The executor runs whole programs
// through it; a check calls it with what an engine captured, and so judges each op by itself.
import type { FloatArray, WeightSource } from '../../engine/program/executor.ts';
import type { AttentionOp, Op, ValueId } from '../../engine/program/program.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { add } from './ops/add.ts';
import { addBias } from './ops/add-bias.ts';
import { attention } from './ops/attention.ts';
import { embed } from './ops/embed.ts';
import { expertMatmul } from './ops/expert-matmul.ts';
import { gelu } from './ops/gelu.ts';
import { matmul } from './ops/matmul.ts';
import { moeRoute } from './ops/moe-route.ts';
import { moeSelect } from './ops/moe-select.ts';
import { moeSum } from './ops/moe-sum.ts';
import { mul } from './ops/mul.ts';
import { rmsnorm } from './ops/rmsnorm.ts';
import { ropeFactorsWeight } from './ops/rope-frequencies.ts';
import { rope } from './ops/rope.ts';
import { scale } from './ops/scale.ts';
import { silu } from './ops/silu.ts';
import { softcap } from './ops/softcap.ts';
import { readVector } from './weights.ts';

export interface OpInputs {
  weights: WeightSource;
  /** Every value that the op reads, as [rows, channels]. float32 loses nothing on its way in. */
  values: ReadonlyMap<ValueId, FloatArray>;
  /** One per row. The ids are read by `embed` alone, their number by others. */
  tokens: readonly number[];
  /** Of row 0. */
  firstPosition: number;
  /** Positions that the session was opened for. Read by `rope` where its scaling depends on them. */
  contextLength?: number;
  /** Read by `attention`: the op's positions before `firstPosition`; may be left out where that is 0. */
  cache?: KeyValueCache;
}

/**
 * Evaluates the op in double precision, over the exact values of the stored weights.
 *
 * @returns [rows, channels], new
 * @throws RefuteError E_PROGRAM_WEIGHT where a weight is missing or of another shape
 * @throws RangeError where a value or a length that is read is missing, or an earlier position is not in the cache
 */
export async function evaluateOp(op: Op, inputs: OpInputs): Promise<Float64Array> {
  const { weights, tokens, firstPosition } = inputs;
  const value = (id: ValueId): Float64Array => doubles(inputs, id);
  const channelsOf = (id: ValueId): number => value(id).length / tokens.length;
  switch (op.op) {
    case 'embed':
      return embed(tokens, weights, op.weight);
    case 'rmsnorm': {
      const gain = await readVector(weights, op.weight, channelsOf(op.in) / (op.headCount ?? 1));
      // 1 + w of a float16 w is exact in double.
      return rmsnorm(
        value(op.in),
        gain.map((factor) => factor + (op.gainOffset ?? 0)),
        op.eps,
      );
    }
    case 'matmul':
      return matmul(value(op.in), tokens.length, weights, op.weight);
    case 'addBias':
      return addBias(value(op.in), await readVector(weights, op.weight, channelsOf(op.in)));
    case 'rope': {
      const { contextLength } = inputs;
      const weight = ropeFactorsWeight(op.rope, contextLength);
      const factors = weight === null ? null : await readVector(weights, weight, op.rope.rotaryDim / 2);
      return rope(op, value(op.in), firstPosition, factors, contextLength);
    }
    case 'attention': {
      const cache = inputs.cache ?? newCache(op);
      cache.write(firstPosition, value(op.k), value(op.v));
      return attention(op, value(op.q), cache.keys, cache.values);
    }
    case 'silu':
      return silu(value(op.in));
    case 'gelu':
      return gelu(value(op.in));
    case 'scale':
      return scale(value(op.in), op.factor);
    case 'softcap':
      return softcap(value(op.in), op.cap);
    case 'moeSelect':
      return moeSelect(value(op.in), channelsOf(op.in), op.usedCount);
    case 'moeRoute': {
      const { isRenormalised } = op;
      return moeRoute(value(op.in), value(op.experts), { rowCount: tokens.length, isRenormalised });
    }
    case 'moeSum':
      return moeSum(value(op.in), value(op.shares), tokens.length);
    case 'expertMatmul':
      return expertMatmul(op, value(op.in), value(op.experts), tokens.length, weights);
    case 'mul':
      return mul(value(op.a), value(op.b));
    case 'add':
      return add(value(op.a), value(op.b));
    default:
      throw new RangeError(`there is no op ${String((op satisfies never as { op: unknown }).op)}`);
  }
}

/** An empty cache of the op's width. */
export function newCache({ kvHeadCount, headDim }: AttentionOp): KeyValueCache {
  return new KeyValueCache(kvHeadCount * headDim);
}

function doubles({ values }: OpInputs, id: ValueId): Float64Array {
  const value = values.get(id);
  if (value === undefined) throw new RangeError(`the op reads ${id}, which is not among the inputs`);
  return value instanceof Float64Array ? value : Float64Array.from(value);
}
