// Follows llama.cpp's graph node by node, in the order in which it is computed, and says which values of the program
// a node is. A node that has none of the forms of graph-forms.ts is a form itself, of what is computed from it. Reads no
// memory.
import type { ValueId, WeightName } from '../../../engine/program/program.ts';
import type { Form, ProgramInGraph } from './graph-forms.ts';

/** A node, and where it reads from; addresses tell tensors apart. */
export interface GraphNode {
  address: bigint;
  /** `MUL_MAT`, `SWIGLU`: of ggml's `GLU` and `UNARY` the kind. */
  op: string;
  elementCount: number;
  sources: readonly bigint[];
  /** Whose memory it shares, or 0, and from which element on. */
  viewOf: bigint;
  offset: number;
}

/** A value in a node. */
export interface ShownValue {
  value: ValueId;
  /** Where it begins in each row of the node, and how wide it is. */
  from: number;
  width: number;
}

/** These show the same numbers in another shape, or some of them: they are what they are of. */
const VIEWS: ReadonlySet<string> = new Set(['RESHAPE', 'VIEW', 'PERMUTE', 'TRANSPOSE']);
/** These are so only of a value: of anything else, the order in which they put it is that of the value. */
const COPIES: ReadonlySet<string> = new Set(['CONT', 'CPY', 'GET_ROWS']);

export class GraphReader {
  readonly #forms: ReadonlyMap<Form, ValueId>;
  readonly #fused: ReadonlyMap<Form, readonly ShownValue[]>;
  readonly #widths: ReadonlyMap<ValueId, number>;
  readonly #weights: ReadonlySet<WeightName>;
  readonly #nameOf: (address: bigint) => string;
  /** Of weights and inputs. Weights stay where they are from graph to graph; nothing else does. */
  readonly #leaves = new Map<bigint, Form | null>();
  readonly #seen = new Map<bigint, Form | null>();
  readonly #found = new Set<ValueId>();
  /** What is longer is no part of any form: a graph of unknown forms would double it with every node. */
  readonly #longest: number;
  #rowCount = 0;

  /** @param nameOf of a tensor that is no node: a weight, or an input */
  constructor({ forms, fused, values, weights }: ProgramInGraph, nameOf: (address: bigint) => string) {
    this.#forms = new Map(forms);
    this.#widths = new Map(values);
    this.#fused = new Map(fused.map(([form, group]) => [form, this.#sideBySide(group)]));
    this.#weights = new Set(weights);
    this.#nameOf = nameOf;
    this.#longest = [...forms, ...fused].reduce((most, [form]) => Math.max(most, form.length), 0);
  }

  /** The next node is the first of a graph of so many positions. */
  begin(rowCount: number): void {
    this.#seen.clear();
    this.#found.clear();
    this.#rowCount = rowCount;
  }

  /** @returns the values that this node is the first to show; none for views of one, and for steps on the way */
  see(node: GraphNode): ShownValue[] {
    const { address, op, sources, viewOf } = node;
    const parts = sources.flatMap((source) => this.#formOf(source) ?? []);
    const [first = null] = parts;
    const isValue = first !== null && this.#widths.has(first);
    const isSame = VIEWS.has(op) || op === 'SET_ROWS' || (COPIES.has(op) && isValue && parts.length === 1);
    const form = isSame ? first : `${op}(${parts.join(',')})`;
    const shown = form === null ? [] : this.#valuesOf(form, node);
    const [only] = shown.length === 1 ? shown : [];
    const known = only?.value ?? (first === null || (form?.length ?? 0) > this.#longest ? null : form);
    this.#seen.set(address, known);
    // The cache now is what was written into it.
    if (op === 'SET_ROWS') this.#seen.set(viewOf, known);
    const isNew = shown.filter(({ value }) => !this.#found.has(value));
    for (const { value } of isNew) this.#found.add(value);
    return isNew;
  }

  /** A form is a value where it has as many numbers: all experts in order are not yet the ones that are used. */
  #valuesOf(form: Form, { op, elementCount, offset }: GraphNode): readonly ShownValue[] {
    const rowWidth = elementCount / this.#rowCount;
    const value = this.#forms.get(form);
    if (value !== undefined && this.#widths.get(value) === rowWidth) return [{ value, from: 0, width: rowWidth }];
    const fused = this.#fused.get(form) ?? [];
    if (op === 'VIEW') return fused.filter(({ from, width }) => from === offset && width === rowWidth);
    return fused.reduce((sum, { width }) => sum + width, 0) === rowWidth ? fused : [];
  }

  #sideBySide(values: readonly ValueId[]): ShownValue[] {
    let end = 0;
    return values.map((value) => {
      const width = this.#widths.get(value) ?? Number.NaN;
      end += width;
      return { value, from: end - width, width };
    });
  }

  /** null: an input, or unknown. */
  #formOf(address: bigint): Form | null {
    const seen = this.#seen.get(address);
    if (seen !== undefined) return seen;
    const known = this.#leaves.get(address);
    if (known !== undefined) return known;
    const name = this.#nameOf(address);
    const form = this.#weights.has(name) ? name : null;
    this.#leaves.set(address, form);
    return form;
  }
}
