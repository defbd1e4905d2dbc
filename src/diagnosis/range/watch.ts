// Where the numbers of a run leave the range of their type: the first op of the program whose inputs are finite and whose
// result is not, or that made a row of zeros, or a wrong one, of a row whose squares float32 cannot hold. Values only flow
// down the program, so the first such op, of all chunks, is where it began. Taps every value that is shown; rows as they
// come, each value kept until its last reader.
import type { FloatArray, Tap, WeightSource } from '../../engine/program/executor.ts';
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';
import { readRows, readVector } from '../../oracles/float64/weights.ts';

export const LARGEST_F32: number = (2 - 2 ** -23) * 2 ** 127;

/** `nonFinite`: NaN or infinity. `zeroed`: a norm divided by the infinite root of squares that overflowed. `lost`: they
 * underflowed, and the norm is off by more than a hundredth. */
export type BreachKind = 'nonFinite' | 'zeroed' | 'lost';

export interface Breach {
  kind: BreachKind;
  op: Op;
  layer: number | null;
  position: number;
  channel: number;
  /** In the op's result, of the positions that ran together. */
  nanCount: number;
  infCount: number;
  /** Largest |x| in the position's rows of each value that it reads and that is shown. */
  largestInputs: { value: ValueId; largest: number }[];
  /** Of a matmul: Σ|w·x| of the element. Where it overflows, a sum on the way may, whatever the whole sum is. */
  magnitude: number | null;
}

export class RangeWatch {
  readonly tap: Tap<FloatArray>;
  readonly #program: Program;
  readonly #weights: WeightSource;
  readonly #indices: ReadonlyMap<ValueId, number>;
  readonly #widths: ReadonlyMap<ValueId, number>;
  readonly #lastReads: ReadonlyMap<ValueId, number>;
  readonly #kept = new Map<ValueId, { data: FloatArray; firstPosition: number }>();
  #found: { index: number; breach: Breach } | null = null;

  constructor(program: Program, weights: WeightSource, isShown: (value: ValueId) => boolean = () => true) {
    this.#program = program;
    this.#weights = weights;
    this.#indices = new Map(program.ops.map((op, index) => [op.out, index]));
    this.#widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
    this.#lastReads = new Map(program.ops.flatMap((op, index) => operands(op).reads.map((id) => [id, index] as const)));
    this.tap = {
      values: new Set(program.values.map(({ id }) => id).filter(isShown)),
      onValue: (value, data, firstPosition) => this.see(value, data, firstPosition),
    };
  }

  get breach(): Breach | null {
    return this.#found?.breach ?? null;
  }

  async see(value: ValueId, data: FloatArray, firstPosition: number): Promise<void> {
    const index = this.#indices.get(value);
    const op = index === undefined ? undefined : this.#program.ops[index];
    // What comes after the first breach follows from it.
    if (op === undefined || index === undefined || (this.#found !== null && index >= this.#found.index)) return;
    // A sum of squares that overflowed in any row says more than a result that did.
    const badNorm = op.op === 'rmsnorm' ? await this.#badNorm(op, data, firstPosition) : null;
    const breach = badNorm ?? firstNonFinite(data);
    if (breach !== null) {
      const width = this.#widths.get(value) ?? 1;
      const row = Math.floor(breach.element / width);
      const { kind } = breach;
      const layer = this.#program.values.find(({ id }) => id === value)?.layer ?? null;
      const position = firstPosition + row;
      const channel = breach.element % width;
      const [largestInputs, magnitude] = [
        this.#largestInputs(op, position),
        await this.#magnitude(op, position, channel),
      ];
      const found = { kind, op, layer, position, channel, ...countsOf(data), largestInputs, magnitude };
      this.#found = { index, breach: found };
    }
    this.#kept.set(value, { data, firstPosition });
    for (const id of this.#kept.keys()) if ((this.#lastReads.get(id) ?? -1) <= index) this.#kept.delete(id);
  }

  /** The first row that is not what its squares, in a wider type, make of it. */
  async #badNorm(
    op: Extract<Op, { op: 'rmsnorm' }>,
    data: FloatArray,
    firstPosition: number,
  ): Promise<{ kind: BreachKind; element: number } | null> {
    const x = this.#kept.get(op.in);
    if (x === undefined || x.data.length !== data.length || x.firstPosition !== firstPosition) return null;
    const width = (this.#widths.get(op.out) ?? 1) / (op.headCount ?? 1);
    const eps = Math.fround(op.eps);
    for (let row = 0; row < data.length; row += width) {
      const { exact, kept, most } = squaresOf(x.data, row, width);
      if (exact === 0) continue;
      if (exact >= 0.99 * LARGEST_F32 && isZero(data, row, width)) return { kind: 'zeroed', element: row };
      // Where eps is the larger part, lost squares change nothing.
      if (Math.abs(exact - kept) <= 0.01 * (exact + width * eps)) continue;
      const gain = (await readVector(this.#weights, op.weight, width))[most - row] ?? Number.NaN;
      const root = Math.sqrt(exact / width + op.eps);
      const should = ((x.data[most] ?? 0) / root) * (gain + (op.gainOffset ?? 0));
      if (!(Math.abs((data[most] ?? 0) - should) <= 0.01 * Math.abs(should))) return { kind: 'lost', element: most };
    }
    return null;
  }

  async #magnitude(op: Op, position: number, channel: number): Promise<number | null> {
    const x = op.op === 'matmul' ? this.#kept.get(op.in) : undefined;
    if (op.op !== 'matmul' || x === undefined) return null;
    const width = this.#widths.get(op.in) ?? 1;
    const from = (position - x.firstPosition) * width;
    const row = await readRows(this.#weights, op.weight, width, channel, 1);
    return row.reduce((sum, weight, i) => sum + Math.abs(weight * (x.data[from + i] ?? 0)), 0);
  }

  #largestInputs(op: Op, position: number): Breach['largestInputs'] {
    return operands(op).reads.flatMap((value) => {
      const found = this.#kept.get(value);
      const width = this.#widths.get(value) ?? 1;
      if (found === undefined) return [];
      const end = (position - found.firstPosition + 1) * width;
      // A query meets the keys and values of all positions before it.
      const isPast = op.op === 'attention' && value !== op.q;
      let largest = 0;
      for (let i = isPast ? 0 : end - width; i < end; i += 1) largest = Math.max(largest, Math.abs(found.data[i] ?? 0));
      return [{ value, largest }];
    });
  }
}

function firstNonFinite(data: FloatArray): { kind: BreachKind; element: number } | null {
  for (let i = 0; i < data.length; i += 1) {
    const x = data[i] ?? Number.NaN;
    // False of infinities and NaN alone.
    if (!(x - x === 0)) return { kind: 'nonFinite', element: i };
  }
  return null;
}

function countsOf(data: FloatArray): Pick<Breach, 'nanCount' | 'infCount'> {
  let [nanCount, infCount] = [0, 0];
  for (const x of data) {
    if (Number.isNaN(x)) nanCount += 1;
    else if (!Number.isFinite(x)) infCount += 1;
  }
  return { nanCount, infCount };
}

/** Σ x² exactly, of what float32 keeps of each square, and where |x| is largest. */
function squaresOf(x: FloatArray, row: number, width: number): { exact: number; kept: number; most: number } {
  let [exact, kept, most] = [0, 0, row];
  for (let i = row; i < row + width; i += 1) {
    const value = x[i] ?? 0;
    const square = value * value;
    exact += square;
    kept += Math.fround(square);
    if (Math.abs(value) > Math.abs(x[most] ?? 0)) most = i;
  }
  return { exact, kept: Math.min(kept, Number.MAX_VALUE), most };
}

function isZero(data: FloatArray, row: number, width: number): boolean {
  for (let i = row; i < row + width; i += 1) if (data[i] !== 0) return false;
  return true;
}
