// What an engine declares about its roundings, as data: error budgets, emulation, parity and blind spots are computed
// from this record and from nothing else. The words in which people read it are made from it here. No arithmetic.
import type { TensorTypeName } from '../formats/tensor-types.ts';

export type FloatType = 'f16' | 'bf16' | 'f32' | 'f64';

/** What activations are rounded to before they are multiplied with a weight. */
export type ActivationFormat = 'f16' | 'bf16' | 'q8_0' | 'q8_1' | 'q8_k';

/** What keys and values are stored in. */
export type CacheFormat = FloatType | 'q8_0';

/**
 * Roundings within attention, in the order of its formula. `queries`: of q before it meets the keys. `scores`: of
 * q·k, and again of the scaled one. `probabilities`: of the softmax before it meets the values, undivided where
 * `divides` is `last`. `accumulator`: of the sum over positions.
 */
export interface AttentionFormat {
  queries: FloatType | 'q8_0';
  scores: FloatType;
  probabilities: FloatType;
  accumulator: FloatType;
  /** Is Σ e^ divided out of the probabilities, or of the sum of values in the end? */
  divides: 'first' | 'last';
  /** The scale is of the queries, before they are rounded; absent: of the scores. */
  scales?: 'queries';
  /** Keys, 256 by 256, are shared out in so many runs of neighbours; their sums are added in the end, in float32. */
  parts?: number;
  /** Heads of a multiple of 64 channels are turned by a Hadamard matrix before q, k and v are rounded, and back. */
  isTurned?: true;
  /** Of its powers, in units of the last place of float32, where they are less accurate than elsewhere. */
  expMaxUlp?: number;
}

export interface NumericProfile {
  /** Type in which every value is stored between ops. */
  storage: FloatType;
  /** Where a result lies between two numbers of the type: the nearest, or either of the two (as WGSL has it). */
  rounding: 'nearest' | 'either-neighbour';
  /** True where a subnormal result may be 0. */
  flushesSubnormals: boolean;
  /** By type of the weight; where there is none, activations are multiplied as they are stored. */
  activations: Readonly<Partial<Record<TensorTypeName, ActivationFormat>>>;
  accumulator: FloatType;
  /** True where a·b + c may be rounded once. */
  fusedMultiplyAdd: boolean;
  summation: Summation;
  /** `bitwise`: a row has the same bits whatever rows are computed beside it. `per-shape`: it may not. */
  batching: 'bitwise' | 'per-shape';
  /** Positions that a run takes at a time; null: not known. */
  chunkPositions: number | null;
  kvCache: CacheFormat;
  /** null: as it is stored and summed elsewhere. */
  attention: AttentionFormat | null;
  /**
   * `computed`: to a relative accuracy everywhere. `tanh`: as x/2 · (1 + tanh u), whose sum cancels below 0. `f16-table`:
   * looked up for the input rounded to float16, and float16 itself; beyond ±10 it is x or 0.
   */
  gelu: 'computed' | 'tanh' | 'f16-table';
  /** Largest error of e^x in units of the last place: this, and so much more per unit of |x|. */
  expMaxUlp: number;
  expMaxUlpPerUnit: number;
  /** Of a quotient, and of 1/√x. Correctly rounded is half a unit. */
  quotientMaxUlp: number;
  inverseRootMaxUlp: number;
  ropeTable: RopeAccuracy;
}

/**
 * Order of summation. `any`: not known. `sequential`: one term after the other from +0.
 *
 * `lanes`, along a row of n columns: the first n − n mod lanes columns go in chunks. In a chunk, lane l adds the
 * products of the columns c with c mod lanes = l, left to right, from +0. The lanes of the chunks are added left to
 * right, from +0, and the lanes pairwise, (0 + 2) + (1 + 3) where there are four. The last n mod lanes products are
 * added left to right, from +0, and their sum to the total. Over positions (attention): blocks of `positionBlock`,
 * counted from the first visible position, each left to right from +0, then the blocks left to right from +0; a sum of
 * e^ has lanes as above.
 */
type Summation =
  | { kind: 'any' }
  | { kind: 'sequential' }
  | { kind: 'lanes'; lanes: number; chunk: number; positionBlock: number };

/** How far the cosines and sines of rotary embedding are off. */
interface RopeAccuracy {
  /** Precision of position times frequency. */
  computedIn: 'f32' | 'f64';
  /** Roundings on the way to the angle of pair i: these, and so many more for each pair before it. */
  angleRoundings: number;
  angleRoundingsPerPair: number;
  /** Absolute, of a cosine or sine of that angle. */
  sincosError: number;
}

/**
 * A float32 engine that declares nothing: any order, fused or not, flushed or not, angles by repeated
 * multiplication in float32 (as ggml does: an error of one rounding per pair, and one of the power itself).
 */
export const UNDECLARED: NumericProfile = {
  storage: 'f32',
  rounding: 'nearest',
  flushesSubnormals: true,
  activations: {},
  accumulator: 'f32',
  fusedMultiplyAdd: true,
  summation: { kind: 'any' },
  batching: 'per-shape',
  chunkPositions: null,
  kvCache: 'f32',
  attention: null,
  gelu: 'tanh',
  expMaxUlp: 2,
  expMaxUlpPerUnit: 1 / 16,
  quotientMaxUlp: 1,
  inverseRootMaxUlp: 1.5,
  ropeTable: { computedIn: 'f32', angleRoundings: 6, angleRoundingsPerPair: 2, sincosError: 2 ** -23 },
};

/** What is known of the roundings of an engine. */
export interface DeclaredFormats {
  profile: NumericProfile;
  /** Parts of the profile that nobody has declared: a judge may find out which format explains the engine. */
  undeclared: readonly InferredPart[];
}

/** Parts that can be told from outside, by what explains an op's result. */
export const INFERRED_PARTS = ['activations', 'kvCache', 'attention', 'gelu'] as const;
export type InferredPart = (typeof INFERRED_PARTS)[number];

/** How activations enter a product with weights of a type; null: as they are stored. */
export function activationFormat(
  { activations }: Pick<NumericProfile, 'activations'>,
  weightType: TensorTypeName | undefined,
): ActivationFormat | null {
  return (weightType === undefined ? undefined : activations[weightType]) ?? null;
}

/** In one line: `f32, to nearest`. */
export function profileText(profile: NumericProfile): string {
  const { storage, rounding, accumulator, summation, activations, kvCache, attention, gelu } = profile;
  const types = new Map<ActivationFormat, string[]>();
  for (const [type, format] of Object.entries(activations)) {
    types.set(format, [...(types.get(format) ?? []), type]);
  }
  return [
    storage,
    rounding === 'nearest' ? 'to nearest' : 'to either neighbour',
    ...(accumulator === storage ? [] : [`sums in ${accumulator}`]),
    ...(summation.kind === 'any' ? ['sums in any order'] : []),
    ...[...types].map(([format, of]) => `${format} activations for ${of.join(' and ')} weights`),
    ...(kvCache === storage ? [] : [`${kvCache} cache`]),
    ...(attention === null ? [] : [attentionText(attention, storage)]),
    ...(gelu === 'f16-table' ? ['GELU by a table of f16'] : []),
  ].join(', ');
}

/** `queries and probabilities in f16`; what is as stored is left out. */
export function attentionText(attention: AttentionFormat, storage: FloatType): string {
  const byType = new Map<string, string[]>();
  for (const part of ['queries', 'scores', 'probabilities', 'accumulator'] as const) {
    const type = attention[part];
    if (type !== storage) byType.set(type, [...(byType.get(type) ?? []), part]);
  }
  const { divides, scales, parts: runs, isTurned, expMaxUlp } = attention;
  const parts = [
    ...[...byType].map(([type, names]) => `${names.join(' and ')} in ${type}`),
    ...(divides === 'last' ? ['a quotient in the end'] : []),
    ...(runs === undefined ? [] : [`keys in ${runs} parts`]),
    ...(scales === 'queries' ? ['queries scaled first'] : []),
    ...(isTurned === true ? ['heads turned'] : []),
    ...(expMaxUlp === undefined ? [] : ['fast powers']),
  ];
  return parts.length === 0 ? `attention in ${storage}` : `attention with ${parts.join(', ')}`;
}
