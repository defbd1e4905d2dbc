// One sequence on the WebGPU executor: its key-value cache and the program bound to buffers. A position by itself, or a few,
// goes step by step, fused, one submit each; a chunk of many goes op by op, one submit for all. What is tapped is copied right after
// its step, before its buffer is used again, by the same kernels.
import type { GreedyResult, RunRequest, RunResult, Session, Tap } from '../engine/program/executor.ts';
import { neededRows, type NeededRows } from '../engine/program/needed-rows.ts';
import type { AttentionOp, ValueId } from '../engine/program/program.ts';
import type { SessionGuard } from '../engine/program/session-guard.ts';
import { RefuteError } from '../errors.ts';
import { cacheBytes } from './bind-op.ts';
import { splitCount } from './bind-step.ts';
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
import { quadsOf } from './buffer-plan.ts';
import type { Dispatch, RowSet } from './dispatch.ts';
import { singleOps } from './fuse.ts';
import type { GpuProgram } from './load-program.ts';
import { ParamStore, UNIFORM_STRIDE } from './param-store.ts';
import { Readback } from './readback.ts';
import { Rotations } from './rotations.ts';
import { COPY_DST, COPY_SRC, STORAGE, UNIFORM } from './usage.ts';

/** From so many positions on, a chunk is made op by op, with products tile by tile. */
const MANY_FROM = 8;
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
  readonly #owned: GPUBuffer[] = [];
  readonly #channels: ReadonlyMap<ValueId, number>;
  readonly #params: ParamStore;
  readonly #readback: Readback;
  readonly #rotations = new Rotations();
  #places: GPUBuffer | null = null;
  #tokens: GPUBuffer | null = null;
  #site: SharedSite | null = null;
  #values: ValueBuffers | null = null;
  #plain: BoundPlan | null = null;
  #tapped: BoundPlan | null = null;
  #many: BoundPlan | null = null;
  #dispatches = 0;

  constructor(loaded: GpuProgram, guard: SessionGuard) {
    this.#loaded = loaded;
    this.#guard = guard;
    this.#channels = new Map(loaded.program.values.map(({ id, channelCount }) => [id, channelCount]));
    this.#params = new ParamStore(loaded.gpu);
    this.#readback = new Readback(loaded.gpu);
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
    for (const buffer of this.#owned) buffer.destroy();
    this.#params.close();
    this.#readback.close();
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
    const rows = await this.#readback.read();
    for (const value of tapped) {
      signal?.throwIfAborted();
      await tap?.onValue(value, rows.get(value) ?? new Float32Array(0), firstPosition);
    }
    return rows.get(wanted === 'choice' ? CHOICE : LOGITS) ?? new Float32Array(0);
  }

  async #runOneByOne(chunk: Chunk, plan: BoundPlan): Promise<void> {
    const { tokens, firstPosition, isLast, signal } = chunk;
    for (const [row, token] of tokens.entries()) {
      signal?.throwIfAborted();
      const position = firstPosition + row;
      this.#writePlace([token], position, chunk.tap !== undefined);
      await this.#submit((encoder) => {
        const isLastRow = isLast && row === tokens.length - 1;
        this.#encode(encoder, plan, chunk, { rowCount: 1, firstPosition: position }, isLastRow ? 'both' : 'all', row);
      });
    }
  }

  async #runMany(chunk: Chunk, plan: BoundPlan): Promise<void> {
    const { tokens, firstPosition, isLast } = chunk;
    this.#writePlace(tokens, firstPosition, false);
    await this.#submit((encoder) => {
      const place = { rowCount: tokens.length, firstPosition };
      this.#encode(encoder, plan, chunk, place, isLast ? 'both' : 'all', 0);
    });
  }

  /** @param rows whether steps of the last row alone run, too; `toRow`: where what comes back goes */
  #encode(
    encoder: GPUCommandEncoder,
    plan: BoundPlan,
    { needs, wanted, tap, tokens }: Chunk,
    place: { rowCount: number; firstPosition: number },
    rows: 'all' | 'both',
    toRow: number,
  ): void {
    let pass: GPUComputePassEncoder | null = null;
    const isOne = place.rowCount === 1;
    this.#dispatches = 0;
    const endPass = (): void => {
      pass?.end();
      pass = null;
    };
    const run = (dispatches: readonly Dispatch[], set: RowSet): void => {
      pass ??= encoder.beginComputePass();
      for (const { pipeline, groups, grid } of dispatches) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, groups[set]);
        pass.dispatchWorkgroups(...grid(set === 'all' ? place : { ...place, rowCount: 1 }));
        this.#dispatches++;
      }
    };
    for (const { dispatches, last, ops, shows } of plan.steps) {
      const isNeeded = (need: NeededRows): boolean => ops.some((op) => needs[op] === need);
      const isAll = isNeeded('all');
      if (!isAll && !(rows === 'both' && isNeeded('last'))) continue;
      const set: RowSet = isAll || isOne ? 'all' : 'last';
      run(set === 'all' ? dispatches : last, set);
      for (const [value, from] of shows) {
        if (tap?.values.has(value) !== true) continue;
        endPass();
        this.#readback.copy(encoder, value, from, 0, toRow, place.rowCount);
      }
    }
    const isEnd = toRow + place.rowCount === tokens.length;
    if (wanted === 'choice' && isEnd) run(plan.choose, isOne ? 'all' : 'last');
    endPass();
    const from = plan.placeOf(this.#loaded.program.logits);
    if (wanted === 'all') this.#readback.copy(encoder, LOGITS, from, 0, toRow, place.rowCount);
    else if (wanted === 'last' && isEnd) this.#readback.copy(encoder, LOGITS, from, place.rowCount - 1, 0, 1);
    else if (wanted === 'choice' && isEnd) {
      this.#readback.copy(encoder, CHOICE, { buffer: there(this.#site).choice, at: 0, stride: 1 }, 0, 0, 1);
    }
  }

  async #submit(encode: (encoder: GPUCommandEncoder) => void): Promise<void> {
    const { gpu } = this.#loaded;
    await gpu.guarded('run', 'E_GPU_RUN', () => {
      const encoder = gpu.device.createCommandEncoder();
      encode(encoder);
      gpu.device.queue.submit([encoder.finish()]);
    });
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
    const caches = await this.#openCaches(attentions);
    for (const op of program.ops) {
      if (op.op !== 'rope') continue;
      await this.#rotations.add(op.rope, { factors, contextLength }, (rotaryDim) =>
        this.#own('angles', 4 * chunkPositions * rotaryDim, STORAGE | COPY_DST),
      );
    }
    const partials = attentions.map(
      ({ headCount, headDim, window }) => headCount * splitsOf(contextLength, window) * partialQuads(headDim),
    );
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
      cacheOf: (op) => there(caches.get(op.layer)),
      ropeTableOf: (rope) => this.#rotations.tableOf(rope),
      partial: await this.#own('splits of attention', 16 * Math.max(1, ...partials), STORAGE),
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

  async #openCaches(attentions: readonly AttentionOp[]): Promise<Map<number, { keys: GPUBuffer; values: GPUBuffer }>> {
    const { gpu } = this.#loaded;
    const caches = new Map<number, { keys: GPUBuffer; values: GPUBuffer }>();
    const limit = Math.min(gpu.device.limits.maxStorageBufferBindingSize, gpu.device.limits.maxBufferSize);
    for (const op of attentions) {
      const byteLength = cacheBytes(op, this.#guard.contextLength);
      if (!(byteLength <= limit)) {
        const is = `the keys of layer ${op.layer} take ${byteLength} bytes for ${this.#guard.contextLength} positions`;
        const allowed = `a binding takes ${limit}, ${Math.floor(limit / cacheBytes(op, 1))} positions`;
        throw new RefuteError({ code: 'E_GPU_CONTEXT', place: gpu.name, is, allowed, next: 'Use a smaller --context' });
      }
      caches.set(op.layer, {
        keys: await this.#own(`keys of layer ${op.layer}`, byteLength, STORAGE),
        values: await this.#own(`values of layer ${op.layer}`, byteLength, STORAGE),
      });
    }
    return caches;
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
    const buffer = await this.#loaded.gpu.buffer(label, byteLength, usage);
    this.#owned.push(buffer);
    return buffer;
  }

  #channelsOf(value: ValueId): number {
    return this.#channels.get(value) ?? 0;
  }
}

/** Most splits that a position of the context has. */
function splitsOf(contextLength: number, window: number | null): number {
  return Math.max(
    splitCount(contextLength - 1, window),
    window === null ? 0 : splitCount(contextLength - 1, window) + 1,
  );
}

/** What attention keeps of a split of a head: its sums, the largest score, the total. */
function partialQuads(headDim: number): number {
  return quadsOf(headDim) + 1;
}

function there<Thing>(thing: Thing | null | undefined): Thing {
  if (thing === null || thing === undefined) throw new RangeError('used before it was made');
  return thing;
}
