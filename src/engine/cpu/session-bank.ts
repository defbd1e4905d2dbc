// What one session owns in one bank, in one allocation: value buffers, scratch, rope tables, key-value caches.
import { alignedByteLength, type Pointer } from './kernels/kernel-memory.ts';
import type { AttentionOp, RopeParameters, ValueId } from '../program/program.ts';
import { cacheByteLength } from './bank-plan.ts';
import type { Bank } from './bank.ts';
import type { Cache } from './bind-op.ts';
import { ropeKey, type LoadedProgram } from './load-program.ts';

export class SessionBank {
  readonly bank: Bank;
  /** For kernels that ask for scratch while they run. */
  readonly scratch: Pointer;
  readonly #base: Pointer;
  readonly #byteLength: number;
  readonly #offsetOf: (value: ValueId) => number;
  readonly #ropeTables = new Map<string, Pointer>();
  readonly #caches = new Map<AttentionOp, Cache>();

  /** @throws RefuteError E_MEMORY_FULL */
  constructor(loaded: LoadedProgram, index: number, bank: Bank, contextLength: number) {
    const { program, bankPlan, bufferPlan, chunkPositions } = loaded;
    const ops = program.ops.filter((_, opIndex) => bankPlan.opBanks[opIndex] === index);
    this.bank = bank;
    this.#offsetOf = (value) => bufferPlan.offsetOf(index, value);

    let byteLength = bufferPlan.scratchByteLengths[index] ?? 0;
    const reserve = (wanted: number): number => {
      const offset = byteLength;
      byteLength += alignedByteLength(wanted);
      return offset;
    };
    // Attention wants a score per position, rounded up to whole vectors.
    const scratch = reserve(Math.max(bank.matmulScratchByteLength(chunkPositions), 4 * contextLength + 16));
    const ropes = new Map(ops.flatMap((op) => (op.op === 'rope' ? [[ropeKey(op.rope), op.rope] as const] : [])));
    const tables = [...ropes].map(([key, rope]) => [key, reserve(4 * chunkPositions * rope.rotaryDim)] as const);
    const caches = ops
      .filter((op) => op.op === 'attention')
      .map((op) => {
        const cacheBytes = cacheByteLength(op, contextLength);
        return { op, keys: reserve(cacheBytes), values: reserve(cacheBytes) };
      });

    this.#byteLength = byteLength;
    this.#base = bank.memory.allocate(byteLength);
    this.scratch = this.#base + scratch;
    for (const [key, offset] of tables) this.#ropeTables.set(key, this.#base + offset);
    for (const { op, keys, values } of caches) {
      this.#caches.set(op, { keys: this.#base + keys, values: this.#base + values, capacity: contextLength });
    }
  }

  bufferOf(value: ValueId): Pointer {
    return this.#base + this.#offsetOf(value);
  }

  /** The op lives in this bank. */
  cacheOf(op: AttentionOp): Cache {
    return this.#caches.get(op) ?? { keys: 0, values: 0, capacity: 0 };
  }

  ropeTableOf(rope: RopeParameters): Pointer {
    return this.#ropeTables.get(ropeKey(rope)) ?? 0;
  }

  writeRopeTable(key: string, table: Float32Array): void {
    const pointer = this.#ropeTables.get(key);
    if (pointer !== undefined) this.bank.memory.floats(pointer, table.length).set(table);
  }

  release(): void {
    this.bank.memory.release(this.#base, this.#byteLength);
  }
}
