// What a known inference bug is: a change to the product (its program, config, weights, tokens or source) with the
// words that name it when it is seen from outside. Used forward it proves that a falsifier can go red, used backward
// it is the dictionary that names an observed difference (DESIGN §6). Types, the closed list of bug classes and how a
// fault is planted; no bugs here.
import type { ModelTransform } from '../../engine/model/model.ts';
import type { Op, OpName } from '../../engine/program/program.ts';
import type { StageName } from '../../engine/program/stages.ts';

/** Every answer that a diagnosis may give. Closed: reports and JSON hold no other word. */
export const BUG_CLASSES = [
  'WEIGHT_LOAD_FAILURE',
  'LAYOUT_TRANSPOSED',
  'DEQUANT_FAILURE',
  'EMBEDDING_FAILURE',
  'CONFIG_METADATA_LOSS',
  'TOKENIZER_MISMATCH',
  'NORM_FAILURE',
  'QKV_FAILURE',
  'ROPE_FAILURE',
  'ATTENTION_FAILURE',
  'KV_CACHE_FAILURE',
  'FFN_FAILURE',
  'MOE_ROUTING_FAILURE',
  'LM_HEAD_FAILURE',
  'SAMPLING_FAILURE',
  'PRECISION_LOSS',
  'OVERFLOW_NONFINITE',
  'NONDETERMINISM',
  'GPU_KERNEL_FAILURE',
  'PATH_DIVERGENCE',
  'QUANTIZATION_NOISE',
  'UNEXPLAINED',
] as const;

export type BugClass = (typeof BUG_CLASSES)[number];

/**
 * `model`: applied while a model is opened. `source`: a product file is loaded with `find`, which occurs in it exactly
 * once, replaced. Both reach the product's own code, never a copy of it.
 */
export type FaultInjection =
  | { kind: 'model'; transform: ModelTransform }
  | { kind: 'source'; file: string; find: string; replace: string };

export interface FaultVariant {
  title: string;
  inject: FaultInjection;
}

/**
 * The same bug said as ops of a program (another parameter, another decoding of the weight), so that it can be
 * evaluated in float64 on anybody's capture and recognised there (DESIGN §12.7).
 */
interface Mutant {
  /** Ops that may have it. */
  on: readonly OpName[];
  variants(op: Op): readonly { title: string; op: Op }[];
}

export interface Fault {
  /** Id of the mutation suite: a letter for the area, a number. */
  id: string;
  title: string;
  bugClass: BugClass;
  /** Where a local check can see it first; `tokens` comes before every stage. */
  firstStage: StageName | 'tokens';
  /** What an input must have, or the fault does nothing. */
  needs: string;
  /** The known bug at full size. */
  gross: FaultVariant;
  /** The same bug at one site: one layer, one head, one row, one bit. */
  small: FaultVariant;
  /** Absent where none has been written: then the fault can be planted and not recognised. */
  mutant?: Mutant;
}

/** A change of the product's source. @param file from the project root. @param find occurs in it once */
export function sourceVariant(title: string, file: string, find: string, replace: string): FaultVariant {
  return { title, inject: { kind: 'source', file, find, replace } };
}

/** A change of a model as it is opened. */
export function modelVariant(title: string, transform: ModelTransform): FaultVariant {
  return { title, inject: { kind: 'model', transform } };
}

/** A fault as a falsifier plants it. */
export interface CataloguePlant {
  id: string;
  title: string;
  size: 'gross' | 'small';
  inject: FaultInjection;
}

/**
 * The fault as a falsifier plants it: `R1` is the known bug, `R1-small` the same at one site.
 *
 * @throws Error where there is no such fault: a falsifier names it, so that is a mistake in the falsifier
 */
export function plantFrom(faults: readonly Fault[], id: string, size: 'gross' | 'small'): CataloguePlant {
  const fault = faults.find((candidate) => candidate.id === id);
  if (fault === undefined) throw new Error(`the fault catalogue has no "${id}"`);
  return { id: size === 'gross' ? id : `${id}-small`, title: fault[size].title, size, inject: fault[size].inject };
}
