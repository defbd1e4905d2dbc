// Can the formulas be evaluated on this program and these weights? Asked once, before the first run, so that a broken
// program is one typed error. Written apart from the engine's check, which the oracle must not lean on; the codes are
// the same. Whether the program is the right one for a model, no check of this kind can know.
import { RefuteError } from '../../errors.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import type { Op, Program, RopeParameters, ValueId, WeightName } from '../../engine/program/program.ts';
import { readsOf } from './needed-rows.ts';
import { layoutOf } from './weights.ts';

/** @throws RefuteError E_PROGRAM, E_PROGRAM_WEIGHT */
export function checkProgram(program: Program, weights: WeightSource): void {
  const channels = channelCounts(program);
  for (const name of ['vocabSize', 'contextLength'] as const) {
    if (!isCount(program[name])) throw broken('the program', `${name} is ${program[name]}`);
  }
  const written = new Set<ValueId>();
  const layers = new Set<number>();
  for (const [index, op] of program.ops.entries()) {
    const place = `op ${index} (${op.op})`;
    for (const id of readsFrom(op, place)) {
      if (!written.has(id)) throw broken(place, `it reads ${id} before any op has written it`);
    }
    if (!channels.has(op.out)) throw broken(place, `it writes ${op.out}, which the program does not declare`);
    if (written.has(op.out)) throw broken(place, `it writes ${op.out} again`);
    written.add(op.out);
    checkNumbers(op, place);
    checkWidths(op, place, channels);
    checkWeight(op, place, channels, program, weights);
    if (op.op !== 'attention') continue;
    if (layers.has(op.layer)) throw broken(place, `layer ${op.layer} has another attention with a cache`);
    layers.add(op.layer);
  }
  if (!written.has(program.logits)) throw broken('the program', `its logits, ${program.logits}, are never written`);
  const logitCount = channels.get(program.logits);
  if (logitCount !== program.vocabSize) {
    throw broken('the program', `it has ${logitCount} logits`, `the vocabulary has ${program.vocabSize} tokens`);
  }
}

function channelCounts({ values }: Program): ReadonlyMap<ValueId, number> {
  const channels = new Map<ValueId, number>();
  for (const { id, channelCount } of values) {
    if (channels.has(id)) throw broken(`value ${id}`, 'it is declared twice');
    if (!isCount(channelCount)) throw broken(`value ${id}`, `it has ${channelCount} channels`);
    channels.set(id, channelCount);
  }
  return channels;
}

function readsFrom(op: Op, place: string): ValueId[] {
  try {
    return readsOf(op);
  } catch (cause) {
    throw new RefuteError({ code: 'E_PROGRAM', place, is: 'the float64 executor has no formula for it', cause });
  }
}

/** The numbers of an op by themselves. */
function checkNumbers(op: Op, place: string): void {
  const counts = (of: Readonly<Record<string, number>>): void => {
    for (const [name, n] of Object.entries(of)) if (!isCount(n)) throw broken(place, `${name} is ${n}`);
  };
  if (op.op === 'rmsnorm' && !(op.eps >= 0 && op.eps < Infinity)) throw broken(place, `eps is ${op.eps}`);
  if (op.op === 'rmsnorm' && !isCount(op.headCount ?? 1)) throw broken(place, `headCount is ${op.headCount}`);
  if (op.op === 'rmsnorm' && !Number.isFinite(op.gainOffset ?? 0))
    throw broken(place, `gainOffset is ${op.gainOffset}`);
  if (op.op === 'scale' && !Number.isFinite(op.factor)) throw broken(place, `factor is ${op.factor}`);
  const cap = op.op === 'softcap' ? op.cap : op.op === 'attention' ? op.softcap : undefined;
  if (cap !== undefined && !(cap > 0 && cap < Infinity)) throw broken(place, `the cap is ${cap}`, 'it must be above 0');
  if (op.op === 'moeSelect') counts({ usedCount: op.usedCount });
  if (op.op === 'expertMatmul') counts({ expertCount: op.expertCount });
  if (op.op === 'rope') {
    const { headCount, headDim, rope } = op;
    counts({ headCount, headDim, rotaryDim: rope.rotaryDim });
    if (rope.rotaryDim % 2 === 1 || rope.rotaryDim > headDim) {
      throw broken(
        place,
        `rotaryDim is ${rope.rotaryDim}`,
        `it must be even and at most ${headDim}, the head's channels`,
      );
    }
    checkScaling(rope, place);
  }
  if (op.op === 'attention') {
    const { headCount, kvHeadCount, headDim, window } = op;
    counts({ headCount, kvHeadCount, headDim, ...(window === null ? {} : { window }) });
    if (headCount % kvHeadCount !== 0) {
      throw broken(place, `${headCount} heads share ${kvHeadCount} kv heads`, 'every kv head must serve equally many');
    }
  }
}

function checkScaling({ scaling, rotaryDim }: RopeParameters, place: string): void {
  for (const [name, value] of Object.entries(scaling)) {
    const numbers: readonly number[] = Array.isArray(value) ? value : typeof value === 'number' ? [value] : [];
    if (Array.isArray(value) && value.length !== rotaryDim / 2) {
      throw broken(place, `${name} lists ${value.length} factors`, `there are ${rotaryDim / 2} pairs`);
    }
    const bad = numbers.find((n) => !(n > 0 && n < Infinity));
    if (bad !== undefined) throw broken(place, `${name} of the scaling is ${bad}`, 'it must be above 0');
  }
  // theta grows by a power of rotaryDim / (rotaryDim − 2).
  if (scaling.type === 'dynamic' && rotaryDim === 2) throw broken(place, 'dynamic scaling of one pair');
}

/** How many channels an op's values must have. */
function checkWidths(op: Op, place: string, channels: ReadonlyMap<ValueId, number>): void {
  const demand = (id: ValueId, width: number | undefined): void => {
    const is = channels.get(id);
    if (is !== width) throw broken(place, `${id} has ${is} channels`, `it must have ${width}`);
  };
  if (op.op === 'attention') {
    for (const id of [op.q, op.out]) demand(id, op.headCount * op.headDim);
    for (const id of [op.k, op.v]) demand(id, op.kvHeadCount * op.headDim);
    return;
  }
  const width = (id: ValueId): number => channels.get(id) ?? 0;
  switch (op.op) {
    case 'matmul':
    case 'expertMatmul':
      return;
    case 'rmsnorm':
      if (width(op.out) % (op.headCount ?? 1) !== 0) {
        throw broken(place, `${width(op.out)} channels are to be ${op.headCount} heads`);
      }
      break;
    case 'rope':
      demand(op.out, op.headCount * op.headDim);
      break;
    case 'moeSelect':
      demand(op.out, op.usedCount);
      if (op.usedCount > width(op.in)) throw broken(place, `${op.usedCount} of ${width(op.in)} experts are wanted`);
      return;
    case 'moeRoute':
      demand(op.experts, width(op.out));
      if (width(op.out) > width(op.in)) throw broken(place, `${width(op.out)} of ${width(op.in)} experts are wanted`);
      return;
    case 'moeSum':
      demand(op.in, width(op.out) * width(op.shares));
      return;
    case 'embed':
    case 'addBias':
    case 'silu':
    case 'gelu':
    case 'scale':
    case 'softcap':
    case 'mul':
    case 'add':
  }
  for (const id of readsOf(op)) demand(id, channels.get(op.out));
}

/** The weight that an op reads: is it there, and [rows, columns] as the op needs it? */
function checkWeight(
  op: Op,
  place: string,
  channels: ReadonlyMap<ValueId, number>,
  program: Program,
  weights: WeightSource,
): void {
  const needed = op.op === 'rope' ? factorShapes(op.rope) : [weightShape(op, channels, program.vocabSize, weights)];
  for (const weight of needed) if (weight !== null) checkShape(weight, place, program, weights);
}

function checkShape(
  { name, shape }: { name: WeightName; shape: number[] },
  place: string,
  program: Program,
  weights: WeightSource,
): void {
  const stored = layoutOf(weights, name, shape.at(-1) ?? 0).info.shape;
  const declared = program.weights.find((weight) => weight.name === name)?.shape ?? shape;
  for (const found of [stored, declared]) {
    if (withoutOnes(found) === withoutOnes(shape)) continue;
    throw new RefuteError({
      code: 'E_PROGRAM_WEIGHT',
      place: `${place}: weight ${name}`,
      is: `its shape is [${found.join(', ')}]`,
      allowed: `the op reads [${shape.join(', ')}]`,
    });
  }
}

/** longrope may hold one list of factors as numbers and the other as a weight. */
function factorShapes({ scaling, rotaryDim }: RopeParameters): { name: WeightName; shape: number[] }[] {
  const lists = scaling.type === 'longrope' ? [scaling.short, scaling.long] : [];
  const all = scaling.type === 'factors' ? [scaling.weight] : lists;
  return all.flatMap((name) => (typeof name === 'string' ? [{ name, shape: [rotaryDim / 2] }] : []));
}

function weightShape(
  op: Op,
  channels: ReadonlyMap<ValueId, number>,
  vocabSize: number,
  weights: WeightSource,
): { name: WeightName; shape: number[] } | null {
  const out = channels.get(op.out) ?? 0;
  switch (op.op) {
    case 'embed':
      return { name: op.weight, shape: [vocabSize, out] };
    case 'matmul':
      return { name: op.weight, shape: [out, channels.get(op.in) ?? 0] };
    case 'rmsnorm':
      return { name: op.weight, shape: [out / (op.headCount ?? 1)] };
    case 'addBias':
      return { name: op.weight, shape: [out] };
    case 'expertMatmul': {
      const [width, slots] = [channels.get(op.in) ?? 0, channels.get(op.experts) ?? 0];
      // The input is one row of columns, or one for each slot: the stored matrix says which.
      const columns = weights.info(op.weight)?.shape.at(-1) === width ? width : width / slots;
      return { name: op.weight, shape: [op.expertCount, out / slots, columns] };
    }
    case 'rope':
    case 'attention':
    case 'silu':
    case 'gelu':
    case 'scale':
    case 'softcap':
    case 'moeSelect':
    case 'moeRoute':
    case 'moeSum':
    case 'mul':
    case 'add':
      return null;
  }
}

/** Extents of 1 say nothing about where an element lies. */
function withoutOnes(shape: readonly number[]): string {
  return shape.filter((extent) => extent !== 1).join();
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 1;
}

function broken(place: string, is: string, allowed?: string): RefuteError {
  return new RefuteError({ code: 'E_PROGRAM', place, is, ...(allowed && { allowed }) });
}
