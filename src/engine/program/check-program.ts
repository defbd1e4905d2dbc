// Is this program one that an executor can run on these weights? Asked before anything is allocated, so that a
// malformed or deliberately broken program is one typed error and never a trap in a kernel. Every executor asks here,
// the oracle too: structure is shared, arithmetic is not. Not a check that the program is the right one for a model:
// nothing inside can know that.
import { RefuteError } from '../../errors.ts';
import { byteLengthOf, elementCountOf, TENSOR_TYPES } from '../formats/tensor-types.ts';
import type { WeightSource } from './executor.ts';
import { operands, ropeWeights } from './program.ts';
import type { Op, OpName, Program, RopeParameters, ValueId, WeightName } from './program.ts';

/** @throws RefuteError E_PROGRAM, E_PROGRAM_WEIGHT */
export function checkProgram(program: Program, weights: WeightSource): void {
  const channels = new Map<ValueId, number>();
  for (const { id, channelCount } of program.values) {
    if (channels.has(id)) throw wrong(`value ${id}`, 'it is declared twice');
    if (!isCount(channelCount)) throw wrong(`value ${id}`, `it has ${channelCount} channels`);
    channels.set(id, channelCount);
  }
  for (const name of ['vocabSize', 'contextLength'] as const) {
    if (!isCount(program[name])) throw wrong('the program', `${name} is ${program[name]}`);
  }
  const written = new Set<ValueId>();
  const cachedLayers = new Set<number>();
  for (const [index, op] of program.ops.entries()) {
    const place = `op ${index} (${op.op})`;
    if (!Object.hasOwn(OP_CHECKS, op.op)) throw wrong(place, 'there is no such op', Object.keys(OP_CHECKS).join(', '));
    const { reads, writes } = operands(op);
    const unwritten = reads.find((id) => !written.has(id));
    if (unwritten !== undefined) throw wrong(place, `it reads ${unwritten}, which no earlier op has written`);
    if (!channels.has(writes)) throw wrong(place, `it writes ${writes}, which is not declared`);
    if (written.has(writes)) throw wrong(place, `it writes ${writes} a second time`);
    written.add(writes);
    const check = OP_CHECKS[op.op] as (op: Op, at: CheckedOp) => void;
    check(op, new CheckedOp(place, channels, program, weights));
    if (op.op === 'attention') {
      if (cachedLayers.has(op.layer)) throw wrong(place, `layer ${op.layer} already has a key-value cache`);
      cachedLayers.add(op.layer);
    }
  }
  if (!written.has(program.logits)) throw wrong('the program', `no op writes its logits, ${program.logits}`);
  const logitCount = channels.get(program.logits);
  if (logitCount !== program.vocabSize) {
    throw wrong('the program', `its logits have ${logitCount} channels`, `vocabSize is ${program.vocabSize}`);
  }
}

/** What the check of an op may ask of the values and weights around it. */
class CheckedOp {
  readonly place: string;
  readonly #channels: ReadonlyMap<ValueId, number>;
  readonly #program: Program;
  readonly #weights: WeightSource;

  constructor(place: string, channels: ReadonlyMap<ValueId, number>, program: Program, weights: WeightSource) {
    this.place = place;
    this.#channels = channels;
    this.#program = program;
    this.#weights = weights;
  }

  get vocabSize(): number {
    return this.#program.vocabSize;
  }

  channels(id: ValueId): number {
    return this.#channels.get(id) ?? 0;
  }

  columns(name: WeightName): number | undefined {
    return this.#weights.info(name)?.shape.at(-1);
  }

  expectChannels(id: ValueId, wanted: number): void {
    const found = this.channels(id);
    if (found !== wanted) throw wrong(this.place, `${id} has ${found} channels`, `it must have ${wanted}`);
  }

  expectCounts(of: Readonly<Record<string, number>>): void {
    for (const [name, n] of Object.entries(of)) if (!isCount(n)) throw wrong(this.place, `${name} is ${n}`);
  }

  expectFinite(name: string, n: number): void {
    if (!Number.isFinite(n)) throw wrong(this.place, `${name} is ${n}`);
  }

  expectCap(cap: number): void {
    if (!isPositive(cap)) throw wrong(this.place, `the cap is ${cap}`, 'it must be above 0');
  }

  expectWeight(name: WeightName, wanted: readonly number[]): void {
    const place = `${this.place}: weight ${name}`;
    const fail = (is: string, allowed?: string): RefuteError =>
      new RefuteError({ code: 'E_PROGRAM_WEIGHT', place, is, ...(allowed && { allowed }) });
    const info = this.#weights.info(name);
    if (info === undefined) throw fail('the model has no such weight');
    const declared = this.#program.weights.find((weight) => weight.name === name);
    for (const shape of [info.shape, declared?.shape ?? wanted]) {
      if (isSameLayout(shape, wanted)) continue;
      throw fail(`its shape is [${shape.join(', ')}]`, `the op needs [${wanted.join(', ')}]`);
    }
    const type = TENSOR_TYPES[info.type];
    if (type === undefined) {
      throw fail(`its type is ${info.type}`, `${Object.keys(TENSOR_TYPES).join(', ')} can be decoded`);
    }
    const columns = wanted.at(-1) ?? 0;
    if (columns % type.blockElements !== 0) {
      throw fail(`its rows have ${columns} columns`, `${info.type} needs a multiple of ${type.blockElements}`);
    }
    const byteLength = byteLengthOf(info.type, elementCountOf(wanted));
    if (info.byteLength === byteLength) return;
    throw fail(`it has ${info.byteLength} bytes`, `its shape and type make ${byteLength}`);
  }
}

/** One check an op; `operands` and the values themselves have been looked at. */
const OP_CHECKS: { readonly [Name in OpName]: (op: Extract<Op, { op: Name }>, at: CheckedOp) => void } = {
  embed: (op, at) => at.expectWeight(op.weight, [at.vocabSize, at.channels(op.out)]),
  rmsnorm: (op, at) => {
    const out = at.channels(op.out);
    const { eps, headCount = 1, gainOffset = 0 } = op;
    if (!(eps >= 0 && Number.isFinite(eps))) throw wrong(at.place, `eps is ${eps}`);
    at.expectChannels(op.in, out);
    if (!isCount(headCount) || out % headCount !== 0) {
      throw wrong(at.place, `${out} channels do not make ${headCount} heads`);
    }
    at.expectFinite('gainOffset', gainOffset);
    at.expectWeight(op.weight, [out / headCount]);
  },
  matmul: (op, at) => at.expectWeight(op.weight, [at.channels(op.out), at.channels(op.in)]),
  addBias: (op, at) => {
    at.expectChannels(op.in, at.channels(op.out));
    at.expectWeight(op.weight, [at.channels(op.out)]);
  },
  rope: (op, at) => {
    const { headCount, headDim, rope } = op;
    const out = at.channels(op.out);
    at.expectChannels(op.in, out);
    if (!isCount(headCount) || !isCount(headDim) || headCount * headDim !== out) {
      throw wrong(at.place, `${headCount} heads of ${headDim} channels do not make ${out} channels`);
    }
    checkRotation(rope, headDim, at);
  },
  attention: (op, at) => {
    const { headCount, kvHeadCount, headDim, window, softcap } = op;
    at.expectCounts({ headCount, kvHeadCount, headDim });
    if (headCount % kvHeadCount !== 0) {
      const is = `${headCount} heads over ${kvHeadCount} kv heads`;
      throw wrong(at.place, is, 'each kv head must serve the same number of heads');
    }
    if (window !== null && !isCount(window))
      throw wrong(at.place, `window is ${window}`, 'it must be null or at least 1');
    if (softcap !== undefined) at.expectCap(softcap);
    for (const id of [op.q, op.out]) at.expectChannels(id, headCount * headDim);
    for (const id of [op.k, op.v]) at.expectChannels(id, kvHeadCount * headDim);
  },
  silu: (op, at) => at.expectChannels(op.in, at.channels(op.out)),
  gelu: (op, at) => at.expectChannels(op.in, at.channels(op.out)),
  scale: (op, at) => {
    at.expectFinite('factor', op.factor);
    at.expectChannels(op.in, at.channels(op.out));
  },
  softcap: (op, at) => {
    at.expectCap(op.cap);
    at.expectChannels(op.in, at.channels(op.out));
  },
  moeSelect: (op, at) => {
    const [out, all] = [at.channels(op.out), at.channels(op.in)];
    if (op.usedCount === out && out <= all) return;
    throw wrong(at.place, `${op.usedCount} of ${all} experts are to be chosen into ${out} channels`);
  },
  moeRoute: (op, at) => {
    const [out, all] = [at.channels(op.out), at.channels(op.in)];
    if (out > all) throw wrong(at.place, `${out} of ${all} experts are chosen`);
    at.expectChannels(op.experts, out);
  },
  // The input is as wide as a row of the matrices, or as all slots side by side.
  expertMatmul: (op, at) => {
    const [slots, out, width] = [at.channels(op.experts), at.channels(op.out), at.channels(op.in)];
    at.expectCounts({ expertCount: op.expertCount });
    if (out % slots !== 0) throw wrong(at.place, `${out} channels do not make ${slots} slots`);
    const isSlotted = at.columns(op.weight) !== width && width % slots === 0;
    at.expectWeight(op.weight, [op.expertCount, out / slots, isSlotted ? width / slots : width]);
  },
  moeSum: (op, at) => at.expectChannels(op.in, at.channels(op.out) * at.channels(op.shares)),
  mul: (op, at) => [op.a, op.b].forEach((id) => at.expectChannels(id, at.channels(op.out))),
  add: (op, at) => [op.a, op.b].forEach((id) => at.expectChannels(id, at.channels(op.out))),
};

function checkRotation({ rotaryDim, scaling }: RopeParameters, headDim: number, at: CheckedOp): void {
  if (!isCount(rotaryDim) || rotaryDim % 2 !== 0 || rotaryDim > headDim) {
    throw wrong(at.place, `rotaryDim is ${rotaryDim}`, `it must be even and at most headDim, ${headDim}`);
  }
  for (const [name, value] of Object.entries(scaling)) {
    if (typeof value === 'number' && !isPositive(value)) throw wrong(at.place, `${name} of its scaling is ${value}`);
    if (Array.isArray(value) && (value.length !== rotaryDim / 2 || !value.every(isPositive))) {
      throw wrong(at.place, `${name} has ${value.length} factors`, `it must have ${rotaryDim / 2}, each above 0`);
    }
  }
  if (scaling.type === 'dynamic' && rotaryDim < 4) {
    throw wrong(at.place, `rotaryDim is ${rotaryDim}`, 'dynamic scaling divides by rotaryDim - 2');
  }
  for (const weight of ropeWeights(scaling)) at.expectWeight(weight, [rotaryDim / 2]);
}

/** Dimensions of 1 carry no layout: a norm gain may be stored as [1, n]. */
export function isSameLayout(a: readonly number[], b: readonly number[]): boolean {
  const [left, right] = [a.filter((n) => n !== 1), b.filter((n) => n !== 1)];
  return left.length === right.length && left.every((n, i) => n === right[i]);
}

function isPositive(n: unknown): boolean {
  return typeof n === 'number' && n > 0 && Number.isFinite(n);
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n > 0;
}

function wrong(place: string, is: string, allowed?: string): RefuteError {
  return new RefuteError({ code: 'E_PROGRAM', place, is, ...(allowed && { allowed }) });
}
