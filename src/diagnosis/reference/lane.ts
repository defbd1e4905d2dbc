// A free run beside the engine's: the same program in float64 over the engine's weights (R), over the original weights
// (O), or with the engine's declared formats emulated (S). Goes op by op, in step with the judge, so that a weight is
// decoded once for all of them; holds the values that later ops still read, and nothing else.
import type { AttentionOp, Op, Program, ValueId } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { activationFormat, type NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { TensorTypeName } from '../../engine/formats/tensor-types.ts';
import { evaluateOp, newCache } from '../../oracles/float64/evaluate-op.ts';
import type { KeyValueCache } from '../../oracles/float64/key-value-cache.ts';
import { roundActivations } from './activations.ts';

/** What of a profile is emulated in a free run. */
export type Formats = Pick<NumericProfile, 'storage' | 'activations' | 'kvCache'>;

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
  readonly #formats: Formats | null;
  readonly #live = new Map<ValueId, Float64Array>();
  readonly #caches = new Map<AttentionOp, KeyValueCache>();

  /** @param formats emulated; null: none */
  constructor(weights: WeightSource, formats: Formats | null) {
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

  /** What weights of a type are multiplied with: the value, or what the declared activation format makes of it. */
  matmulInput(value: ValueId, weightType: TensorTypeName | undefined): { x: Float64Array; steps: Float64Array | null } {
    const x = this.#live.get(value);
    if (x === undefined) throw new RangeError(`${value} is not there`);
    const format = this.#formats === null ? null : activationFormat(this.#formats, weightType);
    if (format === null) return { x, steps: null };
    const { values, tieSteps } = roundActivations(x, format);
    return { x: values, steps: tieSteps };
  }

  /** Any op but a matmul, by the oracle's formula; experts multiply what a matmul would. */
  async evaluate(op: Op, chunk: Chunk): Promise<{ y: Float64Array; cache: KeyValueCache | null }> {
    const { tokens, firstPosition, contextLength } = chunk;
    const given = { weights: this.weights, tokens, firstPosition, contextLength };
    if (op.op !== 'attention') {
      const values = new Map(this.#live);
      if (op.op === 'expertMatmul') values.set(op.in, this.matmulInput(op.in, this.weights.info(op.weight)?.type).x);
      return { y: await evaluateOp(op, { ...given, values }), cache: null };
    }
    const cache = this.#caches.get(op) ?? newCache(op);
    this.#caches.set(op, cache);
    const values = this.#formats === null ? this.#live : this.#cached(op, this.#formats);
    const y = await evaluateOp(op, { ...given, values, cache });
    // Nothing reads the keys of a finished sequence again: memory must not grow with depth.
    if (chunk.isLast) this.#caches.delete(op);
    return { y, cache };
  }

  /** Keys and values as the cache stores them. */
  #cached(op: AttentionOp, formats: Formats): ReadonlyMap<ValueId, Float64Array> {
    const type = roundingCache(formats);
    if (type === null) return this.#live;
    const values = new Map(this.#live);
    for (const id of [op.k, op.v]) {
      values.set(id, roundActivations(this.#live.get(id) ?? new Float64Array(0), type).values);
    }
    return values;
  }
}

/** The type that keys and values are rounded to as they are stored; null where the cache holds them as they are. */
function roundingCache({ storage, kvCache }: Formats): 'f16' | 'bf16' | null {
  return (kvCache === 'f16' || kvCache === 'bf16') && kvCache !== storage ? kvCache : null;
}

/** Whether a run of these formats over such weights differs from a run without. */
export function hasFormats(formats: Formats, weightTypes: Iterable<TensorTypeName>): boolean {
  return roundingCache(formats) !== null || [...weightTypes].some((type) => activationFormat(formats, type) !== null);
}

/** Types of the weights that a program reads. */
export function weightTypesOf(
  { weights: named }: Pick<Program, 'weights'>,
  weights: WeightSource,
): Set<TensorTypeName> {
  return new Set(named.flatMap(({ name }) => weights.info(name)?.type ?? []));
}
