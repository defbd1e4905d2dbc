// A free run beside the engine's: the same program in float64 over the engine's weights (R), over the original weights
// (O), or with the engine's declared formats emulated (S). Goes op by op, in step with the judge, so that a weight is
// decoded once for all of them; holds the values that later ops still read, and nothing else.
import type { AttentionOp, Op, ValueId } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { evaluateOp, newCache } from '../../oracles/float64/evaluate-op.ts';
import type { KeyValueCache } from '../../oracles/float64/key-value-cache.ts';
import { quantizeActivations } from './activations.ts';
import type { Arithmetic } from './arithmetic.ts';

/** Neighbouring positions that are judged together. */
export interface Chunk {
  tokens: readonly number[];
  firstPosition: number;
  isLast: boolean;
  /** Positions of the session that they are of. */
  contextLength: number;
}

export class Lane {
  readonly weights: WeightSource;
  readonly #formats: Pick<Arithmetic, 'activations' | 'kvCache'> | null;
  readonly #live = new Map<ValueId, Float64Array>();
  readonly #caches = new Map<AttentionOp, KeyValueCache>();

  /** @param formats emulated; null: none */
  constructor(weights: WeightSource, formats: Pick<Arithmetic, 'activations' | 'kvCache'> | null) {
    this.weights = weights;
    this.#formats = formats;
  }

  get(value: ValueId): Float64Array | undefined {
    return this.#live.get(value);
  }

  set(value: ValueId, data: Float64Array): void {
    this.#live.set(value, data);
  }

  /** Forgets every other value. */
  keep(isWanted: (value: ValueId) => boolean): void {
    for (const value of this.#live.keys()) if (!isWanted(value)) this.#live.delete(value);
  }

  /** What a matmul multiplies: the value, or what the declared activation format makes of it. */
  matmulInput(value: ValueId): { x: Float64Array; steps: Float64Array | null } {
    const x = this.#live.get(value);
    if (x === undefined) throw new RangeError(`${value} is not there`);
    const activations = this.#formats?.activations ?? 'float';
    if (activations === 'float') return { x, steps: null };
    const { values, tieSteps } = quantizeActivations(x, activations);
    return { x: values, steps: tieSteps };
  }

  /** Any op but a matmul, by the oracle's formula; experts multiply what a matmul would. */
  async evaluate(op: Op, chunk: Chunk): Promise<{ y: Float64Array; cache: KeyValueCache | null }> {
    const { tokens, firstPosition, contextLength } = chunk;
    const given = { weights: this.weights, tokens, firstPosition, contextLength };
    if (op.op !== 'attention') {
      const values = op.op === 'expertMatmul' ? new Map(this.#live).set(op.in, this.matmulInput(op.in).x) : this.#live;
      return { y: await evaluateOp(op, { ...given, values }), cache: null };
    }
    const cache = this.#caches.get(op) ?? newCache(op);
    this.#caches.set(op, cache);
    const values = this.#formats?.kvCache === 'f16' ? this.#halved(op) : this.#live;
    const y = await evaluateOp(op, { ...given, values, cache });
    // Nothing reads the keys of a finished sequence again: memory must not grow with depth.
    if (chunk.isLast) this.#caches.delete(op);
    return { y, cache };
  }

  /** Keys and values as a float16 cache stores them. */
  #halved(op: AttentionOp): Map<ValueId, Float64Array> {
    const values = new Map(this.#live);
    for (const id of [op.k, op.v]) values.set(id, (this.#live.get(id) ?? new Float64Array(0)).map(Math.f16round));
    return values;
  }
}
