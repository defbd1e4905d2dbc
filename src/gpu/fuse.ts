// From a program to steps for one position: which ops one kernel makes at once. What the patterns below do not know stays an
// op by itself, so that any program runs. Pure; held by test/gpu/fuse.test.ts.
import { operands, type Op, type Program, type ValueId, type WeightName } from '../engine/program/program.ts';
import {
  opsOf,
  valuesOf,
  type ActivationOp,
  type AttendStep,
  type ExpertMatmulOp,
  type HeadChain,
  type MatmulOp,
  type ProductStep,
  type RmsnormOp,
  type Step,
} from './steps.ts';
import type { Stacking } from './weights.ts';

/** Whether weights may lie in one buffer. */
export type CanStack = (names: readonly WeightName[], stacking: Stacking) => boolean;

/** In an order in which every value is written before it is read. */
export function fuse(program: Program, canStack: CanStack): Step[] {
  const steps = new Fuser(program, canStack).steps();
  return isOrdered(steps) ? steps : singleOps(program);
}

/** Every op by itself. */
export function singleOps(program: Program): Step[] {
  return program.ops.map((op) => ({ kind: 'op', op }));
}

class Fuser {
  readonly #program: Program;
  readonly #canStack: CanStack;
  readonly #writer: ReadonlyMap<ValueId, Op>;
  readonly #readers = new Map<ValueId, Op[]>();
  /** How many ops a weight serves: one that serves several stays by itself. */
  readonly #weightUses = new Map<WeightName, number>();
  readonly #taken = new Set<Op>();
  readonly #steps: Step[] = [];

  constructor(program: Program, canStack: CanStack) {
    this.#program = program;
    this.#canStack = canStack;
    this.#writer = new Map(program.ops.map((op) => [op.out, op]));
    for (const op of program.ops) {
      for (const value of operands(op).reads) this.#readers.set(value, [...(this.#readers.get(value) ?? []), op]);
      if ('weight' in op) this.#weightUses.set(op.weight, (this.#weightUses.get(op.weight) ?? 0) + 1);
    }
  }

  steps(): Step[] {
    const { ops } = this.#program;
    for (const op of ops) if (op.op === 'mul') this.#gate(op);
    for (const op of ops) if (op.op === 'attention') this.#attend(op);
    for (const op of ops) if (op.op === 'moeRoute') this.#choose(op);
    for (const op of ops) if (op.op === 'moeSum') this.#sumExperts(op);
    for (const op of ops) if (op.op === 'matmul' && !this.#taken.has(op)) this.#take(this.#product([op]));
    for (const op of ops) if (op.op === 'add') this.#normAdd(op);
    const inlined = new Set(this.#steps.flatMap((step) => ('norm' in step && step.norm !== null ? [step.norm] : [])));
    for (const op of ops) if (!this.#taken.has(op) && !inlined.has(op as RmsnormOp)) this.#take({ kind: 'op', op });
    const last = new Map(ops.map((op, index) => [op, index]));
    const end = (step: Step): number => Math.max(...opsOf(step).map((op) => last.get(op) ?? 0));
    return this.#steps.toSorted((a, b) => end(a) - end(b));
  }

  #take(step: Step): void {
    this.#steps.push(step);
    // A norm within a product may be made by several.
    for (const op of opsOf(step))
      if (!('norm' in step && step.norm === op && step.kind !== 'normAdd')) this.#taken.add(op);
  }

  /** What reads `value`, where that is one op that nobody has yet. */
  #onlyReader(value: ValueId): Op | null {
    const readers = this.#readers.get(value) ?? [];
    const [reader] = readers;
    return readers.length === 1 && reader !== undefined && !this.#taken.has(reader) ? reader : null;
  }

  /** What writes `value`, where `value` serves one op alone. */
  #onlyWriter(value: ValueId): Op | null {
    const writer = this.#writer.get(value);
    const isAlone = (this.#readers.get(value) ?? []).length === 1 && value !== this.#program.logits;
    return isAlone && writer !== undefined && !this.#taken.has(writer) ? writer : null;
  }

  /**
   * The norm that a product may make for itself: all its readers are products within layers. The one before the logits
   * stays by itself, since each workgroup of a product makes it again.
   */
  #normBefore(value: ValueId): RmsnormOp | null {
    const norm = this.#writer.get(value);
    if (norm?.op !== 'rmsnorm' || norm.headCount !== undefined) return null;
    const isForProducts = (this.#readers.get(value) ?? []).every(
      (reader) =>
        (reader.op === 'matmul' && !this.#leadsToLogits(reader)) ||
        (reader.op === 'expertMatmul' &&
          this.#steps.some((step) => step.kind === 'expertsGated' && opsOf(step).includes(reader))),
    );
    return isForProducts ? norm : null;
  }

  #leadsToLogits({ out }: MatmulOp): boolean {
    if (out === this.#program.logits) return true;
    return (this.#readers.get(out) ?? []).some(({ out: next }) => next === this.#program.logits);
  }

  #gate(mul: Extract<Op, { op: 'mul' }>): void {
    const activation = [mul.a, mul.b].map((value) => this.#onlyWriter(value)).find((op) => isActivation(op));
    if (!isActivation(activation)) return;
    const gate = this.#onlyWriter(activation.in);
    const up = this.#onlyWriter(mul.a === activation.out ? mul.b : mul.a);
    if (gate === null || up === null || gate === up) return;
    if (gate.op === 'matmul' && up.op === 'matmul') {
      if (gate.in !== up.in || !this.#mayStack([gate, up], 'turns')) return;
      this.#take({ kind: 'gated', norm: this.#normBefore(gate.in), gate, up, activation, mul });
    } else if (gate.op === 'expertMatmul' && up.op === 'expertMatmul') {
      const isOneInput = gate.in === up.in && gate.experts === up.experts && this.#writer.get(gate.in)?.op !== 'mul';
      if (!isOneInput || !this.#mayStack([gate, up], 'turns') || this.#rowsOf(gate) % 4 !== 0) return;
      const step = { kind: 'expertsGated', norm: null, gate, up, activation, mul } as const;
      this.#take(step);
      this.#steps[this.#steps.length - 1] = { ...step, norm: this.#normBefore(gate.in) };
    }
  }

  /** Rows of one expert. */
  #rowsOf({ weight }: ExpertMatmulOp): number {
    return this.#shapeOf(weight).at(-2) ?? 1;
  }

  #shapeOf(weight: WeightName): readonly number[] {
    return this.#program.weights.find(({ name }) => name === weight)?.shape ?? [];
  }

  #mayStack(ops: readonly (MatmulOp | ExpertMatmulOp)[], stacking: Stacking): boolean {
    const names = ops.map(({ weight }) => weight);
    return names.every((name) => this.#weightUses.get(name) === 1) && this.#canStack(names, stacking);
  }

  #attend(attention: AttendStep['attention']): void {
    const q = this.#headChain(attention.q);
    const k = this.#headChain(attention.k);
    const sources = [q.from, k.from, attention.v].map((value) => this.#productBefore(value));
    const isOneNorm = q.norm?.eps === k.norm?.eps && q.norm?.gainOffset === k.norm?.gainOffset;
    const isOneTurn = JSON.stringify(q.rope?.rope) === JSON.stringify(k.rope?.rope);
    if (!isOneNorm || !isOneTurn || !sources.every((source) => source !== null)) return;
    if (new Set(sources.map(({ matmul }) => matmul)).size !== 3) return;
    this.#take({ kind: 'attend', q, k, attention });
    // Neighbours of one type are one product, and so are those of two.
    let run: ProductStep['members'][number][] = [];
    const runs: (typeof run)[] = [];
    const end = (): void => {
      if (run.length > 0) runs.push(run);
      run = [];
    };
    for (const source of sources) {
      const grown = [...run, source];
      const isAlike = grown.every(
        ({ matmul, bias }) =>
          matmul.in === source.matmul.in && (bias === null) === (source.bias === null) && this.#isSingle(bias),
      );
      if (
        !isAlike ||
        !this.#mayStack(
          grown.map(({ matmul }) => matmul),
          'sequence',
        )
      )
        end();
      run.push(source);
    }
    end();
    const [one, other] = runs;
    if (runs.length === 2 && one !== undefined && other !== undefined && this.#areOneInput([one, other])) {
      this.#take({ kind: 'productOfTwo', norm: this.#normBefore(one[0]?.matmul.in ?? ''), runs: [one, other] });
    } else {
      for (const members of runs) this.#take(this.#productOf(members, null));
    }
  }

  #areOneInput(runs: readonly ProductStep['members'][]): boolean {
    const all = runs.flat();
    const areAlike = all.every(
      ({ matmul, bias }) =>
        matmul.in === all[0]?.matmul.in && (bias === null) === (all[0].bias === null) && this.#isSingle(bias),
    );
    return (
      areAlike &&
      runs.every((members) =>
        this.#mayStack(
          members.map(({ matmul }) => matmul),
          'sequence',
        ),
      )
    );
  }

  /** Biases of a run lie side by side: one that serves elsewhere too cannot. */
  #isSingle(bias: Extract<Op, { op: 'addBias' }> | null): boolean {
    return bias === null || this.#weightUses.get(bias.weight) === 1;
  }

  #headChain(value: ValueId): HeadChain {
    let from = value;
    let op = this.#onlyWriter(from);
    const rope = op?.op === 'rope' ? op : null;
    if (rope !== null) op = this.#onlyWriter((from = rope.in));
    const norm = op?.op === 'rmsnorm' && op.headCount !== undefined ? op : null;
    if (norm !== null) from = norm.in;
    return { from, norm, rope };
  }

  /** The product that makes `value`, with its bias, where it serves one op alone. */
  #productBefore(value: ValueId): ProductStep['members'][number] | null {
    let op = this.#onlyWriter(value);
    const bias = op?.op === 'addBias' ? op : null;
    if (bias !== null) op = this.#onlyWriter(bias.in);
    return op?.op === 'matmul' ? { matmul: op, bias } : null;
  }

  #product([matmul]: readonly [MatmulOp]): ProductStep {
    let out = matmul.out;
    let next = out === this.#program.logits ? null : this.#onlyReader(out);
    const bias = next?.op === 'addBias' ? next : null;
    if (bias !== null) {
      out = bias.out;
      next = out === this.#program.logits ? null : this.#onlyReader(out);
    }
    const residual = next?.op === 'add' && next.a !== next.b ? next : null;
    return this.#productOf([{ matmul, bias }], residual);
  }

  #productOf(members: ProductStep['members'], residual: ProductStep['residual']): ProductStep {
    const input = members[0]?.matmul.in ?? '';
    const isLast = members.some(({ matmul }) => this.#leadsToLogits(matmul));
    return { kind: 'product', norm: isLast ? null : this.#normBefore(input), members, residual };
  }

  #normAdd(add: Extract<Op, { op: 'add' }>): void {
    if (this.#taken.has(add) || add.a === add.b) return;
    const norm = [add.b, add.a].map((value) => this.#onlyWriter(value)).find((op) => op?.op === 'rmsnorm');
    if (norm?.op === 'rmsnorm' && norm.headCount === undefined) this.#take({ kind: 'normAdd', norm, add });
  }

  #choose(route: Extract<Op, { op: 'moeRoute' }>): void {
    const select = this.#writer.get(route.experts);
    if (select?.op === 'moeSelect' && select.in === route.in) this.#take({ kind: 'choose', select, route });
  }

  #sumExperts(sum: Extract<Op, { op: 'moeSum' }>): void {
    const down = this.#onlyWriter(sum.in);
    if (down?.op !== 'expertMatmul') return;
    const columns = this.#shapeOf(down.weight).at(-1) ?? 1;
    if (columns % 4 !== 0 || this.#rowsOf(down) % 4 !== 0 || !this.#mayStack([down], 'turns')) return;
    const isPerSlot = this.#program.values.find(({ id }) => id === down.in)?.channelCount !== columns;
    if (!isPerSlot) return;
    const next = this.#onlyReader(sum.out);
    const residual = next?.op === 'add' && next.a !== next.b ? next : null;
    this.#take({ kind: 'expertsSum', down, sum, residual });
  }
}

function isActivation(op: Op | null | undefined): op is ActivationOp {
  return op?.op === 'silu' || op?.op === 'gelu';
}

function isOrdered(steps: readonly Step[]): boolean {
  const written = new Set<ValueId>();
  return steps.every((step) => {
    const { reads, writes } = valuesOf(step);
    const isReady = reads.every((value) => written.has(value));
    for (const value of writes.flat()) written.add(value);
    return isReady;
  });
}
