// Is this program one that an executor can run on these weights? Checked before anything is allocated, so that a
// malformed or deliberately broken program is one typed error and never a trap in a kernel.
// Not a check that the program is the right one for a model: nothing inside can know that.
import { RefuteError } from '../../errors.ts';
import { byteLengthOf, TENSOR_TYPES } from '../formats/tensor-types.ts';
import type { WeightSource } from './executor.ts';
import {
  operands,
  ropeWeights,
  type AttentionOp,
  type Op,
  type OpName,
  type Program,
  type RopeParameters,
  type ValueId,
  type WeightName,
} from './program.ts';

const OP_NAMES: ReadonlySet<string> = new Set([
  'embed',
  'rmsnorm',
  'matmul',
  'addBias',
  'rope',
  'attention',
  'silu',
  'mul',
  'add',
  'gelu',
  'scale',
  'softcap',
  'moeSelect',
  'moeRoute',
  'expertMatmul',
  'moeSum',
] satisfies OpName[]);

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
    if (!OP_NAMES.has(op.op)) throw wrong(place, 'there is no such op', [...OP_NAMES].join(', '));
    const { reads, writes } = operands(op);
    const unwritten = reads.find((id) => !written.has(id));
    if (unwritten !== undefined) throw wrong(place, `it reads ${unwritten}, which no earlier op has written`);
    if (!channels.has(writes)) throw wrong(place, `it writes ${writes}, which is not declared`);
    if (written.has(writes)) throw wrong(place, `it writes ${writes} a second time`);
    written.add(writes);
    checkOp(op, place, program, (id) => channels.get(id) ?? 0, weights);
    if (op.op === 'attention') {
      if (cachedLayers.has(op.layer)) throw wrong(place, `layer ${op.layer} already has a key-value cache`);
      cachedLayers.add(op.layer);
    }
  }
  if (!written.has(program.logits)) throw wrong('the program', `no op writes its logits, ${program.logits}`);
  if (channels.get(program.logits) !== program.vocabSize) {
    throw wrong(
      'the program',
      `its logits have ${channels.get(program.logits)} channels`,
      `vocabSize is ${program.vocabSize}`,
    );
  }
}

function checkOp(
  op: Op,
  place: string,
  program: Program,
  channelsOf: (id: ValueId) => number,
  weights: WeightSource,
): void {
  const expectChannels = (id: ValueId, wanted: number): void => {
    if (channelsOf(id) !== wanted) throw wrong(place, `${id} has ${channelsOf(id)} channels`, `it must have ${wanted}`);
  };
  const out = channelsOf(op.out);
  switch (op.op) {
    case 'embed':
      checkWeight(place, op.weight, [program.vocabSize, out], program, weights);
      return;
    case 'rmsnorm':
      if (!(op.eps >= 0 && Number.isFinite(op.eps))) throw wrong(place, `eps is ${op.eps}`);
      expectChannels(op.in, out);
      if (!isCount(op.headCount ?? 1) || out % (op.headCount ?? 1) !== 0) {
        throw wrong(place, `${out} channels do not make ${op.headCount} heads`);
      }
      if (!Number.isFinite(op.gainOffset ?? 0)) throw wrong(place, `gainOffset is ${op.gainOffset}`);
      checkWeight(place, op.weight, [out / (op.headCount ?? 1)], program, weights);
      return;
    case 'matmul':
      checkWeight(place, op.weight, [out, channelsOf(op.in)], program, weights);
      return;
    case 'addBias':
      expectChannels(op.in, out);
      checkWeight(place, op.weight, [out], program, weights);
      return;
    case 'rope': {
      const { rotaryDim } = op.rope;
      expectChannels(op.in, out);
      if (!isCount(op.headCount) || !isCount(op.headDim) || op.headCount * op.headDim !== out) {
        throw wrong(place, `${op.headCount} heads of ${op.headDim} channels do not make ${out} channels`);
      }
      if (!isCount(rotaryDim) || rotaryDim % 2 !== 0 || rotaryDim > op.headDim) {
        throw wrong(place, `rotaryDim is ${rotaryDim}`, `it must be even and at most headDim, ${op.headDim}`);
      }
      checkScaling(op.rope, place);
      for (const weight of ropeWeights(op.rope.scaling)) checkWeight(place, weight, [rotaryDim / 2], program, weights);
      return;
    }
    case 'attention':
      checkAttention(op, place, expectChannels);
      return;
    case 'silu':
    case 'gelu':
      expectChannels(op.in, out);
      return;
    case 'scale':
      if (!Number.isFinite(op.factor)) throw wrong(place, `factor is ${op.factor}`);
      expectChannels(op.in, out);
      return;
    case 'softcap':
      checkCap(place, op.cap);
      expectChannels(op.in, out);
      return;
    case 'moeSelect':
      if (op.usedCount !== out || channelsOf(op.in) < out) {
        throw wrong(place, `${op.usedCount} of ${channelsOf(op.in)} experts are to be chosen into ${out} channels`);
      }
      return;
    case 'moeRoute':
      if (channelsOf(op.in) < out) throw wrong(place, `${out} of ${channelsOf(op.in)} experts are chosen`);
      expectChannels(op.experts, out);
      return;
    case 'moeSum':
      expectChannels(op.in, out * channelsOf(op.shares));
      return;
    case 'expertMatmul':
      checkExperts(op, place, program, channelsOf, weights);
      return;
    case 'mul':
    case 'add':
      expectChannels(op.a, out);
      expectChannels(op.b, out);
      return;
  }
}

function checkScaling({ rotaryDim, scaling }: RopeParameters, place: string): void {
  for (const [name, value] of Object.entries(scaling)) {
    if (typeof value === 'number' && !isPositive(value)) throw wrong(place, `${name} of its scaling is ${value}`);
    if (Array.isArray(value) && (value.length !== rotaryDim / 2 || !value.every(isPositive))) {
      throw wrong(place, `${name} has ${value.length} factors`, `it must have ${rotaryDim / 2}, each above 0`);
    }
  }
  if (scaling.type === 'dynamic' && rotaryDim < 4) {
    throw wrong(place, `rotaryDim is ${rotaryDim}`, 'dynamic scaling divides by rotaryDim - 2');
  }
}

/** The input is as wide as a row of the matrices, or as all slots side by side. */
function checkExperts(
  op: Extract<Op, { op: 'expertMatmul' }>,
  place: string,
  program: Program,
  channelsOf: (id: ValueId) => number,
  weights: WeightSource,
): void {
  const [slots, out, width] = [channelsOf(op.experts), channelsOf(op.out), channelsOf(op.in)];
  if (!isCount(op.expertCount)) throw wrong(place, `expertCount is ${op.expertCount}`);
  if (out % slots !== 0) throw wrong(place, `${out} channels do not make ${slots} slots`);
  const columns = weights.info(op.weight)?.shape.at(-1);
  const isSlotted = columns !== width && width % slots === 0;
  const wanted = [op.expertCount, out / slots, isSlotted ? width / slots : width];
  checkWeight(place, op.weight, wanted, program, weights);
}

function checkCap(place: string, cap: number): void {
  if (!(cap > 0 && Number.isFinite(cap))) throw wrong(place, `the cap is ${cap}`, 'it must be above 0');
}

function checkAttention(op: AttentionOp, place: string, expectChannels: (id: ValueId, wanted: number) => void): void {
  const { headCount, kvHeadCount, headDim, window } = op;
  for (const name of ['headCount', 'kvHeadCount', 'headDim'] as const) {
    if (!isCount(op[name])) throw wrong(place, `${name} is ${op[name]}`);
  }
  if (headCount % kvHeadCount !== 0) {
    throw wrong(
      place,
      `${headCount} heads over ${kvHeadCount} kv heads`,
      'each kv head must serve the same number of heads',
    );
  }
  if (window !== null && !isCount(window)) throw wrong(place, `window is ${window}`, 'it must be null or at least 1');
  if (op.softcap !== undefined) checkCap(place, op.softcap);
  for (const id of [op.q, op.out]) expectChannels(id, headCount * headDim);
  for (const id of [op.k, op.v]) expectChannels(id, kvHeadCount * headDim);
}

function checkWeight(
  place: string,
  name: WeightName,
  wanted: readonly number[],
  program: Program,
  weights: WeightSource,
): void {
  const fail = (is: string, allowed?: string): RefuteError =>
    new RefuteError({ code: 'E_PROGRAM_WEIGHT', place: `${place}: weight ${name}`, is, ...(allowed && { allowed }) });
  const info = weights.info(name);
  if (info === undefined) throw fail('the model has no such weight');
  const declared = program.weights.find((weight) => weight.name === name);
  for (const shape of [info.shape, declared?.shape ?? wanted]) {
    if (!isSameShape(shape, wanted))
      throw fail(`its shape is [${shape.join(', ')}]`, `the op needs [${wanted.join(', ')}]`);
  }
  const type = TENSOR_TYPES[info.type];
  if (type === undefined)
    throw fail(`its type is ${info.type}`, `${Object.keys(TENSOR_TYPES).join(', ')} can be decoded`);
  const columns = wanted.at(-1) ?? 0;
  if (columns % type.blockElements !== 0) {
    throw fail(`its rows have ${columns} columns`, `${info.type} needs a multiple of ${type.blockElements}`);
  }
  const byteLength = byteLengthOf(
    info.type,
    wanted.reduce((product, dimension) => product * dimension, 1),
  );
  if (info.byteLength !== byteLength)
    throw fail(`it has ${info.byteLength} bytes`, `its shape and type make ${byteLength}`);
}

/** Dimensions of 1 carry no layout. */
function isSameShape(a: readonly number[], b: readonly number[]): boolean {
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
