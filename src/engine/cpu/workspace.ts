// A session's share of every bank, and the program's steps bound to it.
import type { ValueId } from '../program/program.ts';
import { bindOp, type ChunkPlace, type RunRows } from './bind-op.ts';
import type { Step } from './buffer-plan.ts';
import type { LoadedProgram, LoadedRope } from './load-program.ts';
import { factorsWeight, ropeAmplitude, ropeFrequencies } from '../program/rope-frequencies.ts';
import { fillRopeTable } from '../program/rope-table.ts';
import { SessionBank } from './session-bank.ts';

export interface BoundStep {
  /** The op whose rows this step runs on. */
  opIndex: number;
  /** The value that the step computes; null for a copy. */
  writes: ValueId | null;
  run: RunRows;
}

export class Workspace {
  readonly chunk: ChunkPlace = { tokens: [], firstToken: 0, firstPosition: 0, suspect: null };
  readonly steps: readonly BoundStep[];
  readonly #loaded: LoadedProgram;
  readonly #banks: readonly SessionBank[];
  readonly #channels: ReadonlyMap<ValueId, number>;
  readonly #writers: ReadonlyMap<ValueId, number>;
  /** By `ropeKey`, for a session of this length and for all of it. */
  readonly #ropes: ReadonlyMap<string, { frequencies: Float64Array; amplitude: number }>;

  /** @throws RefuteError E_MEMORY_FULL */
  constructor(loaded: LoadedProgram, contextLength: number) {
    const { program, bankPlan } = loaded;
    this.#loaded = loaded;
    this.#channels = new Map(program.values.map((value) => [value.id, value.channelCount]));
    this.#writers = new Map(program.ops.map((op, index) => [op.out, bankPlan.opBanks[index] ?? 0]));
    this.#ropes = new Map([...loaded.ropes].map(([key, of]) => [key, rotation(of, contextLength)]));
    this.#banks = openBanks(loaded, contextLength);
    this.steps = loaded.bufferPlan.steps.map((step) => this.#bind(step));
  }

  /** Writes the angles of the chunk's positions into every bank that rotates. */
  fillRopeTables(rowCount: number): void {
    for (const [key, { frequencies, amplitude }] of this.#ropes) {
      const table = new Float32Array(rowCount * 2 * frequencies.length);
      fillRopeTable(table, frequencies, this.chunk.firstPosition, amplitude);
      for (const bank of this.#banks) bank.writeRopeTable(key, table);
    }
  }

  /** A copy of rows of a value, from the bank that computes it. */
  readRows(value: ValueId, firstRow: number, rowCount: number): Float32Array {
    const bank = this.#bank(this.#writers.get(value) ?? 0);
    const channels = this.#channelsOf(value);
    return bank.bank.memory.floats(bank.bufferOf(value) + 4 * firstRow * channels, rowCount * channels).slice();
  }

  release(): void {
    for (const bank of this.#banks) bank.release();
  }

  #bind(step: Step): BoundStep {
    const { opIndex } = step;
    if (step.kind === 'copy') return { opIndex, writes: null, run: this.#bindCopy(step) };
    const site = this.#bank(step.bank);
    const run = bindOp(step.op, {
      bank: site.bank,
      chunk: this.chunk,
      scratch: site.scratch,
      bufferOf: (value) => site.bufferOf(value),
      channelsOf: (value) => this.#channelsOf(value),
      infoOf: (weight) => this.#loaded.infoOf(weight),
      cacheOf: (op) => site.cacheOf(op),
      ropeTableOf: (rope) => site.ropeTableOf(rope),
    });
    return { opIndex, writes: step.op.out, run };
  }

  #bindCopy({ value, from, to }: Extract<Step, { kind: 'copy' }>): RunRows {
    const [source, target] = [this.#bank(from), this.#bank(to)];
    const rowBytes = 4 * this.#channelsOf(value);
    return (firstRow, rowCount) => {
      const byteLength = rowCount * rowBytes;
      const bytes = source.bank.memory.bytes(source.bufferOf(value) + firstRow * rowBytes, byteLength);
      target.bank.memory.bytes(target.bufferOf(value) + firstRow * rowBytes, byteLength).set(bytes);
    };
  }

  #bank(index: number): SessionBank {
    const bank = this.#banks[index];
    if (bank === undefined) throw new RangeError(`there is no bank ${index}`);
    return bank;
  }

  #channelsOf(value: ValueId): number {
    return this.#channels.get(value) ?? 0;
  }
}

function rotation(
  { rope, factors }: LoadedRope,
  contextLength: number,
): { frequencies: Float64Array; amplitude: number } {
  const weight = factorsWeight(rope.scaling, contextLength);
  const content = weight === null ? null : (factors.get(weight) ?? null);
  return { frequencies: ropeFrequencies(rope, content, contextLength), amplitude: ropeAmplitude(rope) };
}

/** All banks, or none: what was allocated before a failure is given back. */
function openBanks(loaded: LoadedProgram, contextLength: number): SessionBank[] {
  const opened: SessionBank[] = [];
  try {
    for (const [index, bank] of loaded.banks.entries()) {
      opened.push(new SessionBank(loaded, index, bank, contextLength));
    }
  } catch (error) {
    for (const bank of opened) bank.release();
    throw error;
  }
  return opened;
}
