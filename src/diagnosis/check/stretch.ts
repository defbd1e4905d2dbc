// A stretch of ops that must be judged as one, because a value between them was not captured. From the captured values
// before it the stretch is run in float64, and again with every op's result pushed by its full expected budget in
// random directions: how far that carries the end is the yardstick (Monte-Carlo arithmetic, as in TTrace).
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';
import { RandomSource } from '../../engine/text/random-source.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import type { Arithmetic } from '../reference/arithmetic.ts';
import type { OpReference } from '../ops/judgement.ts';
import type { DumpValues } from '../recordings/dump-values.ts';
import { Lane, type Chunk } from '../reference/lane.ts';
import { opReference } from '../reference/op-reference.ts';
import type { Stretch } from './verdict.ts';

/**
 * Distance from the reference over the largest of `RUNS` runs in which every op is off by its whole expected budget,
 * in random directions. A healthy engine spends about a sixth of its budgets (root mean square e/B is 0.05 to 0.45,
 * docs/budgets.md); 8 is past what any directions of such errors made in the tests.
 */
const RUNS = 6;
const SUSPECT_RATIO = 1;
const BUG_RATIO = 8;

export interface StretchInputs {
  program: Program;
  weights: WeightSource;
  arithmetic: Arithmetic;
  widths: ReadonlyMap<ValueId, number>;
  chunk: Chunk;
  values: DumpValues;
}

/** null: the stretch attends to positions before those that were captured. */
export async function judgeStretch(last: Op, engine: Float32Array, inputs: StretchInputs): Promise<Stretch | null> {
  const ops = stretchTo(last, inputs);
  if (inputs.chunk.firstPosition > 0 && ops.some(({ op }) => op === 'attention')) return null;
  const lane = new Lane(inputs.weights, inputs.arithmetic);
  const captured: ValueId[] = [];
  for (const id of new Set(ops.flatMap((op) => operands(op).reads))) {
    if (!inputs.values.has(id)) continue;
    lane.set(id, Float64Array.from(await inputs.values.read(id)));
    captured.push(id);
  }
  const { chunk, arithmetic, widths } = inputs;
  const run = async (perturb: ((should: OpReference) => Float64Array) | null): Promise<Float64Array> => {
    let y: Float64Array = new Float64Array(0);
    for (const op of ops) {
      const should = await opReference(
        op,
        { ...chunk, isLast: true },
        { arithmetic, widths, captured: lane, free: [] },
      );
      y = perturb === null ? should.reference : perturb(should);
      if (op !== last) lane.set(op.out, y);
    }
    return y;
  };
  const reference = await run(null);
  const width = widths.get(last.out) ?? 1;
  const rowCount = engine.length / width;
  const yardstick = new Float64Array(rowCount);
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const random = new RandomSource(seed);
    const pushed = await run(({ reference: y, expected }) =>
      y.map((value, i) => value + (random.nextUint32() % 2 === 0 ? 1 : -1) * (expected[i] ?? 0)),
    );
    for (let row = 0; row < rowCount; row += 1) {
      yardstick[row] = Math.max(yardstick[row] ?? 0, distance(pushed, reference, row, width));
    }
  }
  let ratio = 0;
  for (let row = 0; row < rowCount; row += 1) {
    const away = distance(engine, reference, row, width);
    const here = away === 0 ? 0 : away / (yardstick[row] ?? 0);
    if (!(here <= ratio)) ratio = Number.isNaN(here) ? Infinity : here;
  }
  const missing = ops.filter((op) => op !== last).map(({ out }) => out);
  return {
    after: captured.at(-1) ?? 'tokens',
    upTo: last.out,
    ops: ops.map(({ op }) => op),
    ratio,
    status: ratio <= SUSPECT_RATIO ? 'healthy' : ratio <= BUG_RATIO ? 'suspect' : 'faulty',
    wanted: middleFirst(missing).slice(0, 3),
    covers: ops.map(({ out }) => out),
  };
}

/** The op and those that make its missing inputs, in program order. */
function stretchTo(last: Op, { program, values }: StretchInputs): Op[] {
  const writers = new Map(program.ops.map((op) => [op.out, op]));
  const wanted = new Set<Op>([last]);
  const pending = [last];
  for (let op = pending.pop(); op !== undefined; op = pending.pop()) {
    for (const id of operands(op).reads) {
      const writer = writers.get(id);
      if (writer === undefined || wanted.has(writer) || values.has(id)) continue;
      wanted.add(writer);
      pending.push(writer);
    }
  }
  return program.ops.filter((op) => wanted.has(op));
}

function distance(a: ArrayLike<number>, b: Float64Array, row: number, width: number): number {
  let sum = 0;
  for (let i = row * width; i < (row + 1) * width; i += 1) sum += ((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)) ** 2;
  return Math.sqrt(sum);
}

/** The one in the middle halves the stretch. */
function middleFirst<T>(items: readonly T[]): T[] {
  const middle = (items.length - 1) / 2;
  return items
    .map((item, i) => ({ item, from: Math.abs(i - middle) }))
    .toSorted((a, b) => a.from - b.from)
    .map(({ item }) => item);
}
