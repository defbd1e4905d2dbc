// The formats of a subject (DESIGN §5a): what of its profile nobody has declared is tried op by op, the narrowest first,
// and what explains the op is taken. One format for all ops of a kind is what a healthy engine has; the minority is
// shown.
import { activationFormat, attentionText, INFERRED_PARTS, UNDECLARED } from '../../engine/program/numeric-profile.ts';
import type { ActivationFormat, DeclaredFormats } from '../../engine/program/numeric-profile.ts';
import type { InferredPart, NumericProfile } from '../../engine/program/numeric-profile.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../engine/formats/tensor-types.ts';
import type { Op, ValueId } from '../../engine/program/program.ts';
import { arithmeticOf, type Arithmetic } from '../reference/arithmetic.ts';
import { attentionFormats } from '../reference/attention-formats.ts';
import { turnedBlocks } from '../reference/turned-heads.ts';

/** One way to compute an op. */
export interface FormatChoice {
  arithmetic: Arithmetic;
  profile: NumericProfile;
  /** In words: `activations q8_k`; null where nothing is to choose. */
  text: string | null;
}

/** What a choice says of the profile, in words and as data. */
interface Option {
  with: Partial<NumericProfile>;
  text: string;
}

/** Formats that explained ops of one kind. */
export interface InferredFormat {
  part: InferredPart;
  /** Type of the weights; null where the part has none. */
  of: TensorTypeName | null;
  /** How many were computed together: an engine may have another kernel for one row, or for many. */
  rows: number;
  text: string;
  opCount: number;
  /** The values whose ops needed another format than most, with it. */
  others: { value: ValueId; text: string }[];
}

interface Kind extends Pick<InferredFormat, 'part' | 'of' | 'rows'> {
  /** By text: what explained, and the values whose ops it explained. */
  found: Map<string, { option: Option; values: Set<ValueId> }>;
}

/** What an op is computed from. */
export interface OpShape {
  weightType: TensorTypeName | undefined;
  /** How long the rows of its weights are; of attention, a head. */
  columnCount: number;
  /** Positions that it computes together, and those that there are then. */
  rowCount: number;
  positionCount: number;
}

const ACTIVATIONS: readonly (ActivationFormat | null)[] = [null, 'f16', 'bf16', 'q8_0', 'q8_1', 'q8_k'];
const BLOCKS = { q8_0: 32, q8_1: 32, q8_k: 256, f16: 1, bf16: 1 } as const;

export class FormatSearch {
  readonly #undeclared: readonly InferredPart[];
  /** As declared, and as found out since. */
  #known: NumericProfile;
  readonly #kinds = new Map<string, Kind>();

  constructor({ profile, undeclared }: DeclaredFormats) {
    this.#undeclared = undeclared;
    this.#known = profile;
  }

  /** What is known so far. */
  get known(): FormatChoice {
    return { arithmetic: arithmeticOf(this.#known), profile: this.#known, text: null };
  }

  /** What to try on an op, in this order: what explained others of its kind, then the narrowest. */
  choices(op: Op, shape: OpShape): FormatChoice[] {
    const part = this.partOf(op);
    if (part === null) return [this.known];
    const options = this.#options(part, shape);
    const rankOf = ({ text }: Option): number =>
      -(this.#kinds.get(kindKey(part, shape))?.found.get(text)?.values.size ?? 0);
    return options
      .toSorted((a, b) => rankOf(a) - rankOf(b))
      .map(({ with: changed, text }) => {
        const profile = { ...this.#known, ...changed };
        return { arithmetic: arithmeticOf(profile), profile, text };
      });
  }

  /** The choice has explained the op. */
  settle(op: Op, shape: OpShape, { text }: FormatChoice): void {
    const part = this.partOf(op);
    const option = part === null ? undefined : this.#options(part, shape).find((one) => one.text === text);
    if (part === null || option === undefined) return;
    const key = kindKey(part, shape);
    const of = part === 'activations' ? (shape.weightType ?? null) : null;
    const kind = this.#kinds.get(key) ?? { part, of, rows: shape.rowCount, found: new Map() };
    this.#kinds.set(key, kind);
    const found = kind.found.get(option.text) ?? { option, values: new Set() };
    kind.found.set(option.text, found);
    found.values.add(op.out);
    const [most] = byCount(kind);
    this.#known = { ...this.#known, ...most?.option.with };
  }

  /** Whether ops of this kind have been explained before, by something. */
  isSettled(op: Op, shape: OpShape): boolean {
    const part = this.partOf(op);
    return part !== null && this.#kinds.has(kindKey(part, shape));
  }

  /** What was found, in the order of the parts. */
  finish(): InferredFormat[] {
    return [...this.#kinds.values()]
      .toSorted((a, b) => INFERRED_PARTS.indexOf(a.part) - INFERRED_PARTS.indexOf(b.part))
      .flatMap((kind) => {
        const [most, ...less] = byCount(kind);
        if (most === undefined) return [];
        const others = less.flatMap(({ option, values }) => [...values].map((value) => ({ value, text: option.text })));
        const { part, of, rows } = kind;
        return [{ part, of, rows, text: most.option.text, opCount: most.values.size, others }];
      });
  }

  /** The part of a profile that is to be found out from the op; null: none. */
  partOf(op: Op): InferredPart | null {
    const first = (...parts: readonly InferredPart[]): InferredPart | null =>
      parts.find((part) => this.#undeclared.includes(part)) ?? null;
    if (op.op === 'matmul' || op.op === 'expertMatmul') return first('activations');
    if (op.op === 'gelu') return first('gelu');
    return op.op === 'attention' ? first('kvCache', 'attention') : null;
  }

  #options(part: InferredPart, shape: OpShape): Option[] {
    const { weightType, columnCount } = shape;
    if (part === 'gelu') {
      return [
        { with: { gelu: 'computed' }, text: 'GELU computed' },
        { with: { gelu: 'tanh' }, text: 'GELU by 1 + tanh' },
        { with: { gelu: 'f16-table' }, text: 'GELU by a table of f16' },
      ];
    }
    if (part === 'activations') return activationOptions(this.#known, weightType, columnCount);
    return attentionOptions(this.#known, this.#undeclared, shape);
  }
}

function byCount({ found }: Kind): { option: Option; values: Set<ValueId> }[] {
  return [...found.values()].toSorted((a, b) => b.values.size - a.values.size);
}

/** Narrowest first; what a preset guesses is tried before all of them. */
function activationOptions(profile: NumericProfile, type: TensorTypeName | undefined, columnCount: number): Option[] {
  const { storage, accumulator, activations } = profile;
  const partner = type === undefined ? null : TENSOR_TYPES[type].activationPartner;
  const fitting = ACTIVATIONS.filter((format) => {
    if (format === null) return true;
    if (format === 'q8_1' && partner !== 'q8_1') return false;
    // A half is nothing new to values that are stored in halves.
    if ((format === 'f16' || format === 'bf16') && storage !== 'f32') return false;
    return columnCount % BLOCKS[format] === 0;
  });
  const options = fitting.map((format): Option => {
    const others = Object.entries(activations).filter(([name]) => name !== type);
    const own = type === undefined || format === null ? [] : [[type, format] as const];
    return { with: { activations: Object.fromEntries([...others, ...own]) }, text: `activations ${format ?? storage}` };
  });
  const isHalf = (storage === 'f16' || storage === 'bf16') && accumulator !== storage;
  const narrowSums = { with: { accumulator: storage }, text: `activations ${storage}, sums in ${storage}` };
  const guess = `activations ${activationFormat(profile, type) ?? storage}`;
  return [...options, ...(isHalf ? [narrowSums] : [])].toSorted(
    (a, b) => Number(b.text === guess) - Number(a.text === guess),
  );
}

/** Those that are known, less what is declared otherwise; blocks lie within a head. */
function attentionOptions(profile: NumericProfile, undeclared: readonly InferredPart[], shape: OpShape): Option[] {
  const { columnCount: headDim } = shape;
  const { storage, kvCache, attention } = profile;
  const isOpen = (part: InferredPart): boolean => undeclared.includes(part);
  const fitting = attentionFormats(storage, shape).filter(
    (known) =>
      (isOpen('kvCache') || known.kvCache === kvCache) &&
      (known.kvCache !== 'q8_0' || headDim % BLOCKS.q8_0 === 0) &&
      (known.attention?.isTurned !== true || turnedBlocks(headDim) !== null),
  );
  const options = isOpen('attention') ? fitting : fitting.map((known) => ({ ...known, attention }));
  const texts = (options.length === 0 ? [{ kvCache, attention }] : options).map((option): [string, Option] => {
    const format = option.attention === null ? '' : `, ${attentionText(option.attention, storage)}`;
    const text = `KV cache ${option.kvCache}${format}`;
    return [text, { with: option, text }];
  });
  return [...new Map(texts).values()];
}

/** What an engine computes in one way: of attention, in one step of the run. */
function kindKey(part: InferredPart, { weightType, rowCount, positionCount }: OpShape): string {
  const own = part === 'activations' ? (weightType ?? '') : part === 'gelu' ? '' : positionCount;
  return `${part}:${own}:${rowCount}`;
}

/** Of a recording that says nothing: float32, or what its values are stored in; everything that can be found out is. */
export function undeclaredFormats(profile: NumericProfile = UNDECLARED): DeclaredFormats {
  return { profile, undeclared: INFERRED_PARTS };
}
