// A free run beside the engine's: the same program in float64 over the engine's weights (R), over the original weights
// (O), or with an engine's formats emulated (S). Goes op by op, in step with the judge, so that a weight is
// decoded once for all of them; holds the values that later ops still read, and nothing else. What the judge holds of
// the engine's own values is a lane too.
import type { AttentionOp, Op, Program, ValueId } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { activationFormat, type CacheFormat, type NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { TensorTypeName } from '../../engine/formats/tensor-types.ts';
import { evaluateOp, newCache } from '../../oracles/float64/evaluate-op.ts';
import type { KeyValueCache } from '../../oracles/float64/key-value-cache.ts';
import { attention } from '../../oracles/float64/ops/attention.ts';
import { roundActivations } from './activations.ts';
import { expertSums, type RowSet } from './matmul.ts';

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

/** Keys and values of every position so far, as an op reads them. */
export type CachedRows = Pick<KeyValueCache, 'keys' | 'values'>;

export class Lane {
  readonly weights: WeightSource;
  /** Emulated; null: none. May change between ops: those of a foreign engine are found out on the way. */
  formats: Formats | null;
  readonly #live = new Map<ValueId, Float64Array>();
  /** Not rounded: what an engine's cache holds is found out on the way too. */
  readonly #caches = new Map<AttentionOp, KeyValueCache>();

  constructor(weights: WeightSource, formats: Formats | null) {
    this.weights = weights;
    this.formats = formats;
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

  /** Once its sequence is finished, nothing reads an op's keys again: memory must not grow with depth. */
  release(op: AttentionOp): void {
    this.#caches.delete(op);
  }

  /** What weights of a type are multiplied with: the value, or what the activation format makes of it. */
  matmulInput(value: ValueId, weightType: TensorTypeName | undefined): RowSet {
    const x = this.#live.get(value);
    if (x === undefined) throw new RangeError(`${value} is not there`);
    const format = this.formats === null ? null : activationFormat(this.formats, weightType);
    if (format === null) return { x };
    const { values, tieSteps, isInteger, sums } = roundActivations(x, format);
    return { x: values, steps: tieSteps, isInteger, sums };
  }

  /** Any op but a matmul, by the oracle's formula; experts multiply what a matmul would. */
  async evaluate(op: Op, chunk: Chunk): Promise<{ y: Float64Array; cache: CachedRows | null }> {
    const { tokens, firstPosition, contextLength } = chunk;
    if (op.op === 'attention') return this.#attend(op, chunk);
    const values = new Map(this.#live);
    if (op.op === 'expertMatmul') {
      const info = this.weights.info(op.weight);
      const input = this.matmulInput(op.in, info?.type);
      if (input.sums) {
        const experts = values.get(op.experts) ?? new Float64Array(0);
        const outCount = experts.length * (info?.shape.at(-2) ?? 0);
        const { y } = await expertSums(op, { ...input, experts }, outCount, tokens.length, this.weights);
        return { y, cache: null };
      }
      values.set(op.in, input.x);
    }
    return {
      y: await evaluateOp(op, { weights: this.weights, tokens, firstPosition, contextLength, values }),
      cache: null,
    };
  }

  /** Keys and values of every position so far as they were written, those of the chunk among them. */
  stored(op: AttentionOp, { firstPosition }: Chunk): CachedRows {
    const stored = this.#caches.get(op) ?? newCache(op);
    stored.write(firstPosition, this.#read(op.k), this.#read(op.v));
    this.#caches.set(op, stored);
    return stored;
  }

  #read(id: ValueId): Float64Array {
    return this.#live.get(id) ?? new Float64Array(0);
  }

  #attend(op: AttentionOp, chunk: Chunk): { y: Float64Array; cache: CachedRows } {
    const stored = this.stored(op, chunk);
    const type = this.formats === null ? null : roundingCache(this.formats);
    const rounded = (rows: Float64Array): Float64Array => (type === null ? rows : roundActivations(rows, type).values);
    const cache = { keys: rounded(stored.keys), values: rounded(stored.values) };
    return { y: attention(op, this.#read(op.q), cache.keys, cache.values), cache };
  }
}

/** The type that keys and values are rounded to as they are stored; null where the cache holds them as they are. */
function roundingCache({ storage, kvCache }: Formats): Exclude<CacheFormat, 'f32' | 'f64'> | null {
  return kvCache === storage || kvCache === 'f32' || kvCache === 'f64' ? null : kvCache;
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
