// One sequence on the WebGPU executor: its key-value cache, the buffers of a chunk of positions, and the program bound to
// them. A chunk is one command buffer and one submit; what is tapped is copied right after its op, before its buffer is
// used again, by the same kernels.
import type { RunRequest, RunResult, Session, Tap } from '../engine/program/executor.ts';
import { neededRows, type NeededRows } from '../engine/program/needed-rows.ts';
import type { AttentionOp, Op, RopeParameters, ValueId } from '../engine/program/program.ts';
import { factorsWeight, ropeAmplitude, ropeFrequencies } from '../engine/program/rope-frequencies.ts';
import type { SessionGuard } from '../engine/program/session-guard.ts';
import { bindOp, isMany, type BoundOp, type OpSite } from './bind-op.ts';
import type { GpuProgram } from './load-program.ts';
import { COPY_DST, COPY_SRC, MAP_READ, READ, STORAGE, UNIFORM } from './usage.ts';

/** Bindings of uniforms start at multiples of this. */
const UNIFORM_STRIDE = 256;
/** Of an op, for few rows and for many, however its weight is parted. */
const MAX_DISPATCHES = 16;

interface Rotation {
  table: GPUBuffer;
  frequencies: Float64Array;
  amplitude: number;
}

/** A value, or rows of it, that a chunk brings back. */
interface Copy {
  value: ValueId;
  firstRow: number;
  rowCount: number;
  byteOffset: number;
}

export class WebgpuSession implements Session {
  readonly #loaded: GpuProgram;
  readonly #guard: SessionGuard;
  readonly #owned: GPUBuffer[] = [];
  readonly #channels: ReadonlyMap<ValueId, number>;
  #slots: GPUBuffer[] = [];
  #tokens: GPUBuffer | null = null;
  #places: GPUBuffer | null = null;
  #staging: GPUBuffer | null = null;
  readonly #rotations = new Map<string, Rotation>();
  #ops: BoundOp[] = [];

  constructor(loaded: GpuProgram, guard: SessionGuard) {
    this.#loaded = loaded;
    this.#guard = guard;
    this.#channels = new Map(loaded.program.values.map(({ id, channelCount }) => [id, channelCount]));
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

  run(request: RunRequest): Promise<RunResult> {
    return this.#guard.run(request, (start) => this.#runChunks(request, start));
  }

  truncate(positionCount: number): void {
    this.#guard.truncate(positionCount);
  }

  close(): void {
    if (!this.#guard.close()) return;
    for (const buffer of this.#owned) buffer.destroy();
    this.#staging?.destroy();
  }

  async #runChunks({ tokens, logits, tap, signal }: RunRequest, start: number): Promise<Float32Array> {
    const { program, chunkPositions } = this.#loaded;
    const needs = neededRows(program, logits, tap?.values);
    const rowCount = logits === 'all' ? tokens.length : logits === 'last' ? 1 : 0;
    const result = new Float32Array(rowCount * program.vocabSize);
    for (let first = 0; first < tokens.length; first += chunkPositions) {
      signal?.throwIfAborted();
      const chunk = tokens.slice(first, first + chunkPositions);
      const isLast = first + chunk.length === tokens.length;
      this.#writePlace(chunk, start + first);
      const wanted = logits === 'all' ? 'all' : logits === 'last' && isLast ? 'last' : 'none';
      const rows = await this.#runChunk(chunk.length, {
        needs,
        isLast,
        wanted,
        tap,
        signal,
        firstPosition: start + first,
      });
      result.set(rows, logits === 'all' ? first * program.vocabSize : 0);
    }
    return result;
  }

  /** @returns the rows of the logits that are wanted */
  async #runChunk(
    count: number,
    of: {
      needs: readonly NeededRows[];
      isLast: boolean;
      wanted: NeededRows;
      tap: Tap | undefined;
      signal: AbortSignal | undefined;
      firstPosition: number;
    },
  ): Promise<Float32Array> {
    const { gpu, program } = this.#loaded;
    const copies: Copy[] = [];
    let byteLength = 0;
    const plan = (value: ValueId, firstRow: number, rowCount: number): Copy => {
      const copy = { value, firstRow, rowCount, byteOffset: byteLength };
      byteLength += 4 * rowCount * this.#channelsOf(value);
      copies.push(copy);
      return copy;
    };
    const tapped = program.ops.map(({ out }) => (of.tap?.values.has(out) === true ? plan(out, 0, count) : null));
    const logits =
      of.wanted === 'none'
        ? null
        : plan(program.logits, of.wanted === 'last' ? count - 1 : 0, of.wanted === 'last' ? 1 : count);
    const staging = await this.#stagingOf(byteLength);

    await gpu.guarded('run', 'E_GPU_RUN', () => {
      const encoder = gpu.device.createCommandEncoder();
      let pass: GPUComputePassEncoder | null = null;
      const copyOut = ({ value, firstRow, rowCount, byteOffset }: Copy): void => {
        pass?.end();
        pass = null;
        const rowBytes = 4 * this.#channelsOf(value);
        encoder.copyBufferToBuffer(
          this.#bufferOf(value),
          firstRow * rowBytes,
          staging,
          byteOffset,
          rowCount * rowBytes,
        );
      };
      for (const [index, bound] of this.#ops.entries()) {
        const need = of.needs[index] ?? 'none';
        if (need === 'all' || (need === 'last' && of.isLast)) {
          pass ??= encoder.beginComputePass();
          encodeOp(pass, bound, need, need === 'all' ? count : 1);
        }
        const copy = tapped[index];
        if (copy !== null && copy !== undefined) copyOut(copy);
      }
      if (logits !== null) copyOut(logits);
      pass?.end();
      gpu.device.queue.submit([encoder.finish()]);
    });
    if (copies.length === 0) return new Float32Array(0);

    await staging.mapAsync(READ, 0, byteLength);
    gpu.assertThere();
    const bytes = staging.getMappedRange(0, byteLength).slice(0);
    staging.unmap();
    const floatsOf = ({ value, rowCount, byteOffset }: Copy): Float32Array =>
      new Float32Array(bytes, byteOffset, rowCount * this.#channelsOf(value)).slice();
    for (const copy of tapped) {
      if (copy === null) continue;
      of.signal?.throwIfAborted();
      await of.tap?.onValue(copy.value, floatsOf(copy), of.firstPosition);
    }
    return logits === null ? new Float32Array(0) : floatsOf(logits);
  }

  /** Everything that a chunk is told: its tokens, where it stands, and the angles of its positions. */
  #writePlace(tokens: readonly number[], firstPosition: number): void {
    const { queue } = this.#loaded.gpu.device;
    const place = new Uint32Array((2 * UNIFORM_STRIDE) / 4);
    place.set([0, tokens.length, firstPosition]);
    place.set([tokens.length - 1, 1, firstPosition], UNIFORM_STRIDE / 4);
    if (this.#places !== null) queue.writeBuffer(this.#places, 0, place);
    if (this.#tokens !== null) queue.writeBuffer(this.#tokens, 0, Uint32Array.from(tokens));
    for (const { table, frequencies, amplitude } of this.#rotations.values()) {
      queue.writeBuffer(table, 0, angles(frequencies, amplitude, firstPosition, tokens.length));
    }
  }

  async #allocate(): Promise<void> {
    const { gpu, program, buffers, chunkPositions, vectors, weights } = this.#loaded;
    for (const [slot, channels] of buffers.slotChannels.entries()) {
      this.#slots.push(await this.#own(`values ${slot}`, 4 * chunkPositions * channels, STORAGE | COPY_SRC));
    }
    this.#tokens = await this.#own('tokens', 4 * chunkPositions, STORAGE | COPY_DST);
    this.#places = await this.#own('places', 2 * UNIFORM_STRIDE, UNIFORM | COPY_DST);
    for (const op of program.ops) if (op.op === 'rope') await this.#openRotation(op.rope);
    const caches = new Map<number, { keys: GPUBuffer; values: GPUBuffer }>();
    for (const op of program.ops) {
      if (op.op !== 'attention') continue;
      const byteLength = 4 * this.#guard.contextLength * op.kvHeadCount * op.headDim;
      caches.set(op.layer, {
        keys: await this.#own(`keys of layer ${op.layer}`, byteLength, STORAGE),
        values: await this.#own(`values of layer ${op.layer}`, byteLength, STORAGE),
      });
    }
    const params = new ParamStore(
      await this.#own('parameters', MAX_DISPATCHES * program.ops.length * UNIFORM_STRIDE, UNIFORM | COPY_DST),
    );
    const place = (offset: number): GPUBufferBinding => ({ buffer: there(this.#places), offset, size: 16 });
    const site: OpSite = {
      gpu,
      places: { all: place(0), last: place(UNIFORM_STRIDE) },
      storeParams: (bytes) => params.store(bytes),
      tokens: there(this.#tokens),
      bufferOf: (value) => this.#bufferOf(value),
      channelsOf: (value) => this.#channelsOf(value),
      weightOf: (name) => there(weights.get(name)),
      vectorOf: (name) => there(vectors.get(name)),
      cacheOf: (op: AttentionOp) => there(caches.get(op.layer)),
      ropeTableOf: (rope) => there(this.#rotations.get(rotationKey(rope))).table,
    };
    this.#ops = await Promise.all(program.ops.map((op: Op) => bindOp(op, site)));
    params.write(gpu.device.queue);
  }

  async #openRotation(rope: RopeParameters): Promise<void> {
    const key = rotationKey(rope);
    if (this.#rotations.has(key)) return;
    const { chunkPositions, factors } = this.#loaded;
    const { contextLength } = this.#guard;
    const weight = factorsWeight(rope.scaling, contextLength);
    const frequencies = ropeFrequencies(rope, weight === null ? null : (factors.get(weight) ?? null), contextLength);
    const usage = STORAGE | COPY_DST;
    const table = await this.#own('angles', 4 * chunkPositions * rope.rotaryDim, usage);
    this.#rotations.set(key, { table, frequencies, amplitude: ropeAmplitude(rope) });
  }

  async #own(label: string, byteLength: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer> {
    const buffer = await this.#loaded.gpu.buffer(label, byteLength, usage);
    this.#owned.push(buffer);
    return buffer;
  }

  async #stagingOf(byteLength: number): Promise<GPUBuffer> {
    if (this.#staging !== null && this.#staging.size >= byteLength) return this.#staging;
    this.#staging?.destroy();
    const usage = MAP_READ | COPY_DST;
    this.#staging = await this.#loaded.gpu.buffer('what comes back', byteLength, usage);
    return this.#staging;
  }

  #bufferOf(value: ValueId): GPUBuffer {
    return there(this.#slots[this.#loaded.buffers.slotOf.get(value) ?? -1]);
  }

  #channelsOf(value: ValueId): number {
    return this.#channels.get(value) ?? 0;
  }
}

/** What all ops are told, in one buffer that is written once. */
class ParamStore {
  readonly #buffer: GPUBuffer;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #count = 0;

  constructor(buffer: GPUBuffer) {
    this.#buffer = buffer;
    this.#bytes = new Uint8Array(buffer.size);
  }

  store(bytes: ArrayBuffer): GPUBufferBinding {
    const offset = this.#count++ * UNIFORM_STRIDE;
    this.#bytes.set(new Uint8Array(bytes), offset);
    return { buffer: this.#buffer, offset, size: bytes.byteLength };
  }

  write(queue: GPUQueue): void {
    queue.writeBuffer(this.#buffer, 0, this.#bytes);
  }
}

function encodeOp(pass: GPUComputePassEncoder, bound: BoundOp, rows: 'all' | 'last', rowCount: number): void {
  for (const { pipeline, bindGroups, grid } of isMany(rowCount) ? bound.many : bound.few) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroups[rows]);
    pass.dispatchWorkgroups(...grid(rowCount));
  }
}

/** [positions, 2, pairs], cosines before sines: in double, rounded once. */
function angles(
  frequencies: Float64Array,
  amplitude: number,
  firstPosition: number,
  count: number,
): Float32Array<ArrayBuffer> {
  const pairs = frequencies.length;
  const table = new Float32Array(2 * pairs * count);
  for (let row = 0; row < count; row++) {
    for (const [pair, frequency] of frequencies.entries()) {
      const angle = (firstPosition + row) * frequency;
      table[2 * pairs * row + pair] = amplitude * Math.cos(angle);
      table[2 * pairs * row + pairs + pair] = amplitude * Math.sin(angle);
    }
  }
  return table;
}

/** Equal for rotations that share a table. */
function rotationKey({ theta, rotaryDim, scaling }: RopeParameters): string {
  return JSON.stringify([theta, rotaryDim, scaling]);
}

function there<Thing>(thing: Thing | null | undefined): Thing {
  if (thing === null || thing === undefined) throw new RangeError('used before it was made');
  return thing;
}
