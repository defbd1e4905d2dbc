// One sequence on the WebGPU executor: its key-value cache and the program bound to buffers. A position by itself, or a few,
// goes step by step, fused, one submit each; a chunk of many goes op by op, one submit for all. What is tapped is copied right after
// its step, before its buffer is used again, by the same kernels.
import type { GreedyResult, RunRequest, RunResult, Session, Tap } from '../engine/program/executor.ts';
import { neededRows, type NeededRows } from '../engine/program/needed-rows.ts';
import type { AttentionOp, ValueId } from '../engine/program/program.ts';
import type { SessionGuard } from '../engine/program/session-guard.ts';
import { RefuteError } from '../errors.ts';
import { cacheBytes } from './bind-op.ts';
import { partialBytes } from './bind-step.ts';
import {
  allocateValues,
  bindPlan,
  choicePartCount,
  innerBytes,
  mostDispatchesOfALayer,
  type BoundPlan,
  type SharedSite,
  type ValueBuffers,
} from './bound-plan.ts';
import type { ChunkPlace } from './dispatch.ts';
import { singleOps } from './fuse.ts';
import { Guards } from './guards.ts';
import type { GpuProgram } from './load-program.ts';
import { OwnedBuffers } from './owned-buffers.ts';
import { ParamStore, UNIFORM_STRIDE } from './param-store.ts';
import { GUARD_BYTES } from './poison.ts';
import { Readback } from './readback.ts';
import { Recorder } from './recorder.ts';
import { Rotations } from './rotations.ts';
import { COPY_DST, COPY_SRC, STORAGE, UNIFORM } from './usage.ts';

/** From so many positions on, a chunk is made op by op, with products tile by tile. */
const MANY_FROM = 8;
/** That a step writes: what leaves it, values in between, splits of attention, keys, values. */
const MOST_REGIONS = 6;
/** Key of the logits that a run returns, beside those that it may tap. */
const LOGITS = 'logits of the run';
/** Key of the likeliest token: four numbers (wgsl/choice.wgsl). */
const CHOICE = 'likeliest token';
const NOBODY = 0xffff_ffff;

/** What a chunk is made for. */
interface Chunk {
  tokens: readonly number[];
  firstPosition: number;
  needs: readonly NeededRows[];
  /** Rows of the logits that come back, or which of the last row is the greatest. */
  wanted: NeededRows | 'choice';
  isLast: boolean;
  tap: Tap | undefined;
  signal: AbortSignal | undefined;
}

export class WebgpuSession implements Session {
  readonly #loaded: GpuProgram;
  readonly #guard: SessionGuard;
  readonly #buffers: OwnedBuffers;
  readonly #channels: ReadonlyMap<ValueId, number>;
  readonly #params: ParamStore;
  readonly #readback: Readback;
  /** null: runs are not checked. */
  readonly #guards: Guards | null;
  readonly #rotations = new Rotations();
  #places: GPUBuffer | null = null;
  #tokens: GPUBuffer | null = null;
  #site: SharedSite | null = null;
  #values: ValueBuffers | null = null;
  #plain: BoundPlan | null = null;
  #tapped: BoundPlan | null = null;
  #many: BoundPlan | null = null;
  #dispatches = 0;
  readonly #caches = new Map<AttentionOp, { keys: GPUBuffer; values: GPUBuffer }>();
  /** In runs that are checked the caches are poison from here on; in the beginning nowhere. */
  #writtenPositions: number;

  constructor(loaded: GpuProgram, guard: SessionGuard) {
    this.#loaded = loaded;
    this.#guard = guard;
    this.#writtenPositions = guard.contextLength;
    this.#channels = new Map(loaded.program.values.map(({ id, channelCount }) => [id, channelCount]));
    this.#buffers = new OwnedBuffers(loaded.gpu);
    this.#params = new ParamStore(loaded.gpu);
    this.#readback = new Readback(loaded.gpu, loaded.readbackBytes);
    this.#guards = loaded.isChecked ? new Guards(loaded.gpu) : null;
  }

  /** Allocates and compiles; before it there is nothing to run on. @throws RefuteError E_GPU_MEMORY, E_GPU_KERNEL, E_GPU_LOST */
  async prepare(): Promise<this> {
    try {
      await this.#allocate();
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get positionCount(): number {
    return this.#guard.positionCount;
  }

  /** Of the last submit, and of one position by itself. */
  get usage(): { dispatches: number; submits: number; mostPerLayer: number } {
    const mostPerLayer = this.#plain === null ? 0 : mostDispatchesOfALayer(this.#plain);
    return { dispatches: this.#dispatches, submits: 1, mostPerLayer };
  }

  run(request: RunRequest): Promise<RunResult> {
    return this.#guard.run(request, (start) => this.#runChunks(request, start));
  }

  async runGreedy(request: Omit<RunRequest, 'logits'>): Promise<GreedyResult> {
    const { firstPosition, result } = await this.#guard.step(request, (start) =>
      this.#runChunks({ ...request, logits: 'last' }, start, 'choice'),
    );
    const [greatest = 0, , least = 0] = result;
    const [, id = NOBODY, , hasOthers] = new Uint32Array(result.buffer, result.byteOffset, 4);
    return { firstPosition, id: id === NOBODY || hasOthers !== 0 ? null : id, greatest, least };
  }

  truncate(positionCount: number): void {
    this.#guard.truncate(positionCount);
  }

  close(): void {
    if (!this.#guard.close()) return;
    this.#buffers.release();
    this.#params.close();
    this.#readback.close();
    this.#guards?.close();
  }

  /** @param last what comes back where the last row of the logits is asked for */
  async #runChunks(
    { tokens, logits, tap, signal }: RunRequest,
    start: number,
    last: 'last' | 'choice' = 'last',
  ): Promise<Float32Array> {
    const { program, chunkPositions } = this.#loaded;
    const needs = neededRows(program, logits, tap?.values);
    const result = new Float32Array(logits === 'all' ? tokens.length * program.vocabSize : 0);
    for (let first = 0; first < tokens.length; first += chunkPositions) {
      signal?.throwIfAborted();
      const chunk = tokens.slice(first, first + chunkPositions);
      const isLast = first + chunk.length === tokens.length;
      const wanted = logits === 'all' ? 'all' : logits === 'last' && isLast ? last : 'none';
      const rows = await this.#runChunk({
        tokens: chunk,
        firstPosition: start + first,
        needs,
        wanted,
        isLast,
        tap,
        signal,
      });
      if (logits === 'last' && isLast) return rows;
      if (logits === 'all') result.set(rows, first * program.vocabSize);
    }
    return result;
  }

  /** @returns the rows of the logits that are wanted */
  async #runChunk(chunk: Chunk): Promise<Float32Array> {
    const { tokens, wanted, tap, signal, firstPosition } = chunk;
    const { program } = this.#loaded;
    const tapped = program.ops.map(({ out }) => out).filter((value) => tap?.values.has(value) === true);
    const logitRows = { none: 0, choice: 0, last: 1, all: tokens.length }[wanted];
    await this.#readback.open([
      ...tapped.map((value) => [value, this.#channelsOf(value), tokens.length] as const),
      [LOGITS, program.vocabSize, logitRows],
      [CHOICE, 4, wanted === 'choice' ? 1 : 0],
    ]);
    if (tokens.length >= MANY_FROM) await this.#runMany(chunk, await this.#manyPlan());
    else await this.#runOneByOne(chunk, tapped.length === 0 ? there(this.#plain) : await this.#tappedPlan());
    for (const value of tapped) {
      signal?.throwIfAborted();
      await tap?.onValue(value, this.#readback.rowsOf(value), firstPosition);
    }
    return this.#readback.rowsOf(wanted === 'choice' ? CHOICE : LOGITS);
  }

  async #runOneByOne(chunk: Chunk, plan: BoundPlan): Promise<void> {
    const { tokens, firstPosition, isLast, signal } = chunk;
    for (const [row, token] of tokens.entries()) {
      signal?.throwIfAborted();
      const position = firstPosition + row;
      this.#writePlace([token], position, chunk.tap !== undefined);
      const isLastRow = isLast && row === tokens.length - 1;
      await this.#runPlan(plan, chunk, { rowCount: 1, firstPosition: position }, isLastRow ? 'both' : 'all', row);
    }
  }

  async #runMany(chunk: Chunk, plan: BoundPlan): Promise<void> {
    const { tokens, firstPosition, isLast } = chunk;
    this.#writePlace(tokens, firstPosition, false);
    await this.#runPlan(plan, chunk, { rowCount: tokens.length, firstPosition }, isLast ? 'both' : 'all', 0);
  }

  /** @param rows whether steps of the last row alone run, too; `toRow`: where what comes back goes */
  async #runPlan(
    plan: BoundPlan,
    { needs, wanted, tap, tokens }: Chunk,
    place: ChunkPlace,
    rows: 'all' | 'both',
    toRow: number,
  ): Promise<void> {
    const recorder = new Recorder(this.#loaded.gpu, this.#readback, this.#guards);
    await this.#prepareGuards(plan, recorder, place);
    const isOne = place.rowCount === 1;
    const all = { ...place, firstRow: 0 };
    const lastRow = { ...place, firstRow: place.rowCount - 1, rowCount: 1 };
    for (const { dispatches, last, ops, shows, regions } of plan.steps) {
      const isNeeded = (need: NeededRows): boolean => ops.some((op) => needs[op] === need);
      const isAll = isNeeded('all');
      if (!isAll && !(rows === 'both' && isNeeded('last'))) continue;
      if (isAll || isOne) recorder.run({ dispatches, set: 'all', place: all, regions: () => regions(all) });
      else recorder.run({ dispatches: last, set: 'last', place: lastRow, regions: () => regions(lastRow) });
      for (const [value, from] of shows) {
        if (tap?.values.has(value) === true) await recorder.copy(value, from, 0, toRow, place.rowCount);
      }
    }
    const isEnd = toRow + place.rowCount === tokens.length;
    const from = plan.placeOf(this.#loaded.program.logits);
    if (wanted === 'all') await recorder.copy(LOGITS, from, 0, toRow, place.rowCount);
    else if (wanted === 'last' && isEnd) await recorder.copy(LOGITS, from, place.rowCount - 1, 0, 1);
    else if (wanted === 'choice' && isEnd) {
      const { choose, chooseRegions } = plan;
      recorder.run({ dispatches: choose, set: isOne ? 'all' : 'last', place: lastRow, regions: () => chooseRegions });
      await recorder.copy(CHOICE, { buffer: there(this.#site).choice, at: 0, stride: 1 }, 0, 0, 1);
    }
    await recorder.submit();
    this.#dispatches = recorder.dispatchCount;
  }

  /** What a checked run needs before its first step: positions of caches that were given up are poison again. */
  async #prepareGuards(plan: BoundPlan, recorder: Recorder, place: ChunkPlace): Promise<void> {
    if (this.#guards === null) return;
    await this.#guards.prepare(MOST_REGIONS * (plan.steps.length + 1));
    for (const [op, cache] of this.#caches) {
      const begin = cacheBytes(op, place.firstPosition);
      const end = cacheBytes(op, this.#writtenPositions);
      for (const buffer of [cache.keys, cache.values]) {
        if (begin < end) recorder.poison(buffer, begin, end - begin + GUARD_BYTES);
      }
    }
    this.#writtenPositions = place.firstPosition + place.rowCount;
  }

  /** Everything that a chunk is told: its tokens, where it stands, and the angles of its positions. */
  #writePlace(tokens: readonly number[], firstPosition: number, isTapped: boolean): void {
    const { queue } = this.#loaded.gpu.device;
    const place = new Uint32Array((2 * UNIFORM_STRIDE) / 4);
    place.set([0, tokens.length, firstPosition, isTapped ? 1 : 0]);
    place.set([tokens.length - 1, 1, firstPosition, 0], UNIFORM_STRIDE / 4);
    queue.writeBuffer(there(this.#places), 0, place);
    queue.writeBuffer(there(this.#tokens), 0, Uint32Array.from(tokens));
    this.#rotations.write(queue, firstPosition, tokens.length);
  }

  async #allocate(): Promise<void> {
    const { gpu, program, chunkPositions, vectors, weights, steps, factors } = this.#loaded;
    const { contextLength } = this.#guard;
    this.#tokens = await this.#own('tokens', 4 * chunkPositions, STORAGE | COPY_DST);
    this.#places = await this.#own('places', 2 * UNIFORM_STRIDE, UNIFORM | COPY_DST);
    const attentions = program.ops.filter((op) => op.op === 'attention');
    await this.#openCaches(attentions);
    for (const op of program.ops) {
      if (op.op !== 'rope') continue;
      await this.#rotations.add(op.rope, { factors, contextLength }, (rotaryDim) =>
        this.#own('angles', 4 * chunkPositions * rotaryDim, STORAGE | COPY_DST),
      );
    }
    const partials = attentions.map((op) => mostPartialBytes(op, contextLength));
    const place = (offset: number): GPUBufferBinding => ({ buffer: there(this.#places), offset, size: 16 });
    this.#site = {
      gpu,
      places: { all: place(0), last: place(UNIFORM_STRIDE) },
      storeParams: (bytes) => this.#params.store(bytes),
      tokens: this.#tokens,
      channelsOf: (value) => this.#channelsOf(value),
      weightOf: (name) => there(weights.get(name)),
      vectors: vectors.buffer,
      vectorAt: (name) => there(vectors.atOf.get(name)),
      cacheOf: (op) => there(this.#caches.get(op)),
      isChecked: this.#guards !== null,
      ropeTableOf: (rope) => this.#rotations.tableOf(rope),
      partial: await this.#own('splits of attention', Math.max(16, ...partials), STORAGE),
      unused: await this.#own('nothing', 16, STORAGE),
      choices: await this.#own('likeliest of parts', 16 * choicePartCount(program.vocabSize), STORAGE),
      choice: await this.#own('likeliest', 16, STORAGE | COPY_SRC),
      unusedInner: await this.#own('nothing in between', 16, STORAGE),
    };
    this.#values = await allocateValues(this.#loaded, steps, 1, (label, byteLength) =>
      this.#own(label, byteLength, STORAGE | COPY_SRC),
    );
    this.#plain = await this.#bind(steps, this.#values, null);
  }

  async #openCaches(attentions: readonly AttentionOp[]): Promise<void> {
    const { gpu } = this.#loaded;
    const { contextLength } = this.#guard;
    const limit = gpu.bindingBytes - this.#guardBytes;
    for (const op of attentions) {
      const byteLength = cacheBytes(op, contextLength);
      if (!(byteLength <= limit)) {
        const is = `the keys of layer ${op.layer} take ${byteLength} bytes for ${contextLength} positions`;
        const allowed = `a binding takes ${limit}, ${Math.floor(limit / cacheBytes(op, 1))} positions`;
        throw new RefuteError({ code: 'E_GPU_CONTEXT', place: gpu.name, is, allowed, next: 'Use a smaller --context' });
      }
      this.#caches.set(op, {
        keys: await this.#own(`keys of layer ${op.layer}`, byteLength, STORAGE),
        values: await this.#own(`values of layer ${op.layer}`, byteLength, STORAGE),
      });
    }
  }

  async #bind(steps: GpuProgram['steps'], values: ValueBuffers, inner: GPUBuffer | null): Promise<BoundPlan> {
    const plan = await bindPlan(this.#loaded, steps, values, there(this.#site), inner);
    this.#params.write();
    return plan;
  }

  /** The same kernels, with somewhere to put what is in between. */
  async #tappedPlan(): Promise<BoundPlan> {
    if (this.#tapped !== null) return this.#tapped;
    const { steps } = this.#loaded;
    const byteLength = innerBytes(steps, (value) => this.#channelsOf(value));
    const inner = await this.#own('values in between', byteLength, STORAGE | COPY_SRC);
    this.#tapped = await this.#bind(steps, there(this.#values), inner);
    return this.#tapped;
  }

  async #manyPlan(): Promise<BoundPlan> {
    if (this.#many !== null) return this.#many;
    const { program, chunkPositions } = this.#loaded;
    const steps = singleOps(program);
    const values = await allocateValues(this.#loaded, steps, chunkPositions, (label, byteLength) =>
      this.#own(label, byteLength, STORAGE | COPY_SRC),
    );
    this.#many = await this.#bind(steps, values, null);
    return this.#many;
  }

  async #own(label: string, byteLength: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer> {
    const copied = (usage & STORAGE) !== 0 && this.#guards !== null ? COPY_SRC | COPY_DST : 0;
    return this.#buffers.create(label, byteLength + this.#guardBytes, usage | copied);
  }

  get #guardBytes(): number {
    return this.#guards === null ? 0 : GUARD_BYTES;
  }

  #channelsOf(value: ValueId): number {
    return this.#channels.get(value) ?? 0;
  }
}

/** Of the position that has most splits: a window that begins within one has one more than the last position may show. */
function mostPartialBytes(op: AttentionOp, contextLength: number): number {
  const last = partialBytes(op, contextLength - 1);
  return op.window === null ? last : last + partialBytes(op, 0);
}

function there<Thing>(thing: Thing | null | undefined): Thing {
  if (thing === null || thing === undefined) throw new RangeError('used before it was made');
  return thing;
}
