// How far two engines may part by what they declare: the exact run of the model's own bytes in float64, and beside it draws
// of each side's declared roundings (sample-lane.ts), handed on position by position. Slow on purpose: each draw is a
// forward pass in double; a weight is decoded once for all.
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { UNIT_F32 } from '../ops/constants.ts';
import { Lane, type Chunk } from '../reference/lane.ts';
import { opReference } from '../reference/op-reference.ts';
import type { ParityProfile } from './profiles.ts';
import { SampleLane } from './sample-lane.ts';

export interface SpreadOptions {
  program: Program;
  weights: WeightSource;
  /** Of the run, from position 0. */
  tokens: readonly number[];
  /** Only the last so many positions are handed on. */
  rowCount: number;
  profiles: { ours: ParityProfile; theirs: ParityProfile };
  onProgress?: (op: Op, index: number, count: number) => void;
}

/** Logits of one position. */
export interface SpreadRow {
  position: number;
  exact: Float64Array;
  ours: Float64Array[];
  theirs: Float64Array[];
}

/**
 * Rounded activations are drawn as large as they are. Where only ops round, a draw is pushed by whole budgets, of which a
 * healthy engine spends 0.58 at most and 0.2 in sums (EXPECTED_GROUP_RMS), so that half as many draws reach as far.
 */
const DRAWS = { formats: 8, rounding: 4 };

/** Logits that are held at once, of all draws together: 256 MiB. */
const MAX_HELD_LOGITS = 2 ** 25;

export async function spreadRows(options: SpreadOptions, onRow: (row: SpreadRow) => void): Promise<void> {
  const { program, weights, tokens, rowCount, profiles } = options;
  const draw = (profile: ParityProfile, firstSeed: number): SampleLane[] => {
    const hasFormats = program.weights.some(({ name }) => profile.activationsFor(weights.info(name)?.type) !== 'float');
    const length = hasFormats || profile.arithmetic.kvCache === 'f16' ? DRAWS.formats : DRAWS.rounding;
    return Array.from({ length }, (_, i) => new SampleLane(weights, profile, firstSeed + i));
  };
  const lanes = { ours: draw(profiles.ours, 1), theirs: draw(profiles.theirs, 1 + DRAWS.formats) };
  const all = [...lanes.ours, ...lanes.theirs];
  const exact = new Lane(weights, null);
  const run = new Run(options, exact, lanes);
  const { ops } = program;
  const tailAt = ops.findLastIndex(({ op }) => op === 'attention') + 1;
  const whole = { isLast: true, contextLength: tokens.length };
  for (let i = 0; i < tailAt; i += 1) await run.step(i, { ...whole, tokens, firstPosition: 0 });
  // No position of what follows reads another one: it goes on in blocks, because a vocabulary is wide.
  const kept = [exact, ...all].map((lane) => ({ lane, values: run.wideValues(lane, tailAt) }));
  const block = Math.max(1, Math.floor(MAX_HELD_LOGITS / (program.vocabSize * kept.length)));
  for (let first = tokens.length - rowCount; first < tokens.length; first += block) {
    const end = Math.min(first + block, tokens.length);
    for (const { lane, values } of kept) {
      for (const [id, { data, width }] of values) lane.set(id, data.slice(first * width, end * width));
    }
    const chunk: Chunk = { ...whole, tokens: tokens.slice(first, end), firstPosition: first };
    for (let i = tailAt; i < ops.length; i += 1) await run.step(i, chunk);
    handOn(program, { exact, ...lanes }, first, end, onRow);
  }
}

class Run {
  readonly #options: SpreadOptions;
  readonly #exact: Lane;
  readonly #ours: readonly SampleLane[];
  readonly #theirs: readonly SampleLane[];
  readonly #widths: ReadonlyMap<ValueId, number>;
  readonly #lastReads: ReadonlyMap<ValueId, number>;

  constructor(options: SpreadOptions, exact: Lane, lanes: { ours: SampleLane[]; theirs: SampleLane[] }) {
    const { program } = options;
    this.#options = options;
    this.#exact = exact;
    this.#ours = lanes.ours;
    this.#theirs = lanes.theirs;
    this.#widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
    this.#lastReads = new Map(program.ops.flatMap((op, i) => operands(op).reads.map((id) => [id, i] as const)));
  }

  /** One op for the exact run and every draw; the budgets are those of the exact run's inputs. */
  async step(index: number, chunk: Chunk): Promise<void> {
    const { program, weights, profiles, onProgress } = this.#options;
    const op = program.ops[index];
    if (op === undefined) throw new RangeError(`there is no op ${index}`);
    onProgress?.(op, index, program.ops.length);
    const all = [...this.#ours, ...this.#theirs];
    const type = 'weight' in op ? weights.info(op.weight)?.type : undefined;
    for (const lane of all) lane.format = lane.profile.activationsFor(type);
    const context = { widths: this.#widths, captured: this.#exact };
    const theirs = await opReference(op, chunk, { ...context, arithmetic: profiles.theirs.arithmetic, free: all });
    const ours = await opReference(op, chunk, { ...context, arithmetic: profiles.ours.arithmetic, free: [] });
    for (const [lanes, { expected }] of [[this.#ours, ours] as const, [this.#theirs, theirs] as const]) {
      for (const lane of lanes) {
        const data = lane.get(op.out);
        if (data === undefined) throw new RangeError(`${op.out} was not computed`);
        lane.push(data, (i) => expected[i] ?? Number.NaN);
        // Either side hands its logits over as float32.
        if (op.out === program.logits) lane.push(data, (i) => UNIT_F32 * Math.abs(data[i] ?? Number.NaN));
      }
    }
    this.#exact.set(op.out, theirs.reference);
    const isLive = (id: ValueId): boolean => id === program.logits || (this.#lastReads.get(id) ?? -1) > index;
    for (const lane of [this.#exact, ...all]) lane.keep(isLive);
  }

  /** What ops from `index` on read of those before. */
  wideValues(lane: Lane, index: number): Map<ValueId, { data: Float64Array; width: number }> {
    const values = new Map<ValueId, { data: Float64Array; width: number }>();
    for (const id of this.#widths.keys()) {
      const data = lane.get(id);
      const width = this.#widths.get(id);
      if (data === undefined || width === undefined || (this.#lastReads.get(id) ?? -1) < index) continue;
      values.set(id, { data, width });
    }
    return values;
  }
}

function handOn(
  { logits, vocabSize }: Program,
  lanes: { exact: Lane; ours: readonly Lane[]; theirs: readonly Lane[] },
  first: number,
  end: number,
  onRow: (row: SpreadRow) => void,
): void {
  for (let position = first; position < end; position += 1) {
    const start = (position - first) * vocabSize;
    const rowOf = (lane: Lane): Float64Array =>
      (lane.get(logits) ?? new Float64Array(0)).subarray(start, start + vocabSize);
    onRow({
      position,
      exact: rowOf(lanes.exact),
      ours: lanes.ours.map(rowOf),
      theirs: lanes.theirs.map(rowOf),
    });
  }
}
