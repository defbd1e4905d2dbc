// llama.cpp with one model in it, in the child's process: opens it, runs tokens, and hands on the tensors that are asked
// for. Not a place where anything is judged or kept.
import type { ValueId } from '../../../engine/program/program.ts';
import { GraphReader, type ShownValue } from './graph-reader.ts';
import { LAYOUTS } from './layouts.ts';
import type { Answer, Failure, OpenRequest, RunRequest, SessionRequest, TimeRequest } from './messages.ts';
import { addressOf, bytesAt, evalCallbackAddress, fieldsOf, loadNative, scoreOf } from './native.ts';
import type { Address, Native } from './native.ts';
import { variantLibrary } from './package-build.ts';
import { readTensor, readValue, tensorName, type Tensor } from './tensor.ts';

/** The child cannot go on. */
export class ChildFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.is);
    this.failure = failure;
  }
}

/** GGML's numbers of the types that a cache may have here. */
const CACHE_TYPES: Readonly<Record<OpenRequest['kvCache'], number>> = { f32: 0, f16: 1, q8_0: 8, bf16: 30 };
/** The ids of a token's sequences. Lives as long as the process: C holds its address. */
const ONLY_SEQUENCE = new Int32Array(new ArrayBuffer(4));
/** The matrices that turn what goes into a quantised cache. */
const HADAMARD_INPUT = /^attn_inp_[kv]_rot$/;
const FLASH_ATTENTION = { auto: -1, off: 0, on: 1 } as const;

type Opened = Extract<Answer, { type: 'opened' }>;

/** What is done with the nodes of a run. */
interface Watch {
  isWanted(value: ValueId): boolean;
  take(shown: ShownValue, tensor: Tensor): void;
  onNode?(node: Tensor): void;
}

export class ChildModel {
  readonly variant: string;
  readonly #native: Native;
  readonly #model: Address;
  readonly #reader: GraphReader;
  readonly #callback: Address;
  readonly #request: OpenRequest;
  readonly #contexts = new Map<number, Address>();
  /** Nodes that were said to be wanted and are being computed. */
  readonly #wanted = new Map<Address, { values: ShownValue[]; tensor: Tensor }>();
  /** In which runs are timed. */
  #timed: Address | null = null;
  #watch: Watch | null = null;
  #thrown: unknown = null;

  /** @throws ChildFailure */
  constructor(request: OpenRequest) {
    const native = loadNative(request.build);
    if ('unknownBuild' in native) {
      const allowed = `builds ${LAYOUTS.map(({ commit }) => commit).join(', ')} are known`;
      const is = `its build ${native.unknownBuild} lays its structs out in a way that is not known here`;
      throw new ChildFailure({ why: 'build', is, allowed });
    }
    this.variant = chooseVariant(request);
    if (native.loadBackend(variantLibrary(request.build, this.variant)) === null) {
      throw new ChildFailure({ why: 'model', is: `the CPU build ${this.variant} does not load` });
    }
    const model = loadModel(native, request);
    if (model === null) throw new ChildFailure({ why: 'model', is: 'it does not open this model' });
    this.#request = request;
    this.#native = native;
    this.#model = model;
    this.#reader = new GraphReader(request, (address) => tensorName(native, address));
    this.#callback = evalCallbackAddress((tensor, isQuestion) => this.#onNode(tensor, isQuestion));
  }

  get commit(): string {
    return this.#native.layout.commit;
  }

  /** One token, to see the graph. */
  look(): Pick<Opened, 'usesFlashAttention' | 'turnsCache' | 'shown'> {
    const session = { type: 'session', session: -1, contextLength: 1, chunkPositions: 1 } as const;
    this.openSession(session);
    const shown: ValueId[] = [];
    let [usesFlashAttention, turnsCache] = [false, false];
    this.#decode(session.session, [0], 0, {
      isWanted: (value) => {
        shown.push(value);
        return false;
      },
      take: () => undefined,
      onNode: ({ op, sources: [first = 0n] }) => {
        usesFlashAttention ||= op === 'FLASH_ATTN_EXT';
        turnsCache ||= op === 'MUL_MAT' && HADAMARD_INPUT.test(tensorName(this.#native, first));
      },
    });
    this.closeSession(session.session);
    return { usesFlashAttention, turnsCache, shown };
  }

  openSession({ session, contextLength, chunkPositions }: SessionRequest): void {
    this.#contexts.set(session, this.#newContext(contextLength, Math.min(contextLength, chunkPositions), true));
  }

  #newContext(contextLength: number, runPositions: number, isWatched: boolean): Address {
    const { layout, contextDefaults, newContext } = this.#native;
    const { flashAttention, kvCache, threads } = this.#request;
    const at = layout.context;
    const parameters = contextDefaults();
    const fields = fieldsOf(parameters.bytes);
    const words: readonly (readonly [number, number])[] = [
      [at.contextLength, contextLength],
      [at.batchPositions, runPositions],
      [at.microBatchPositions, runPositions],
      [at.outputRows, runPositions],
      [at.threads, threads],
      [at.batchThreads, threads],
      [at.flashAttention, FLASH_ATTENTION[flashAttention]],
      [at.keyType, CACHE_TYPES[kvCache]],
      [at.valueType, CACHE_TYPES[kvCache]],
    ];
    for (const [offset, word] of words) fields.setInt32(offset, word, true);
    if (isWatched) fields.setBigUint64(at.evalCallback, this.#callback, true);
    const context = newContext(this.#model, parameters);
    if (context === null) throw new ChildFailure({ why: 'model', is: 'it makes no context with these options' });
    return context;
  }

  /** By the clock of this process, so that nothing of talking to it is in it. @returns milliseconds of each run */
  time({ tokens, decoded }: TimeRequest): Float32Array {
    const { forget, memoryOf } = this.#native;
    this.#timed ??= this.#newContext(tokens.length + decoded.length, tokens.length, false);
    const context = this.#timed;
    forget(memoryOf(context), 0, -1, -1);
    let position = 0;
    const runs = [tokens, ...decoded.map((token) => [token])].map((run) => {
      const startMs = performance.now();
      this.#decodeBatch(context, run, position, (i) => i === run.length - 1);
      position += run.length;
      return performance.now() - startMs;
    });
    return Float32Array.from(runs);
  }

  closeSession(session: number): void {
    const context = this.#contexts.get(session);
    if (context !== undefined) this.#native.freeContext(context);
    this.#contexts.delete(session);
  }

  /** @returns the rows of logits that are asked for */
  run(request: RunRequest, onValue: (value: ValueId, rows: Float32Array) => void): Float32Array {
    const { session, tokens, firstPosition, logits } = request;
    const wanted = new Set(request.values);
    this.#decode(session, tokens, firstPosition, {
      isWanted: (value) => wanted.has(value),
      take: (shown, tensor) => {
        const { value } = shown;
        const rows = readValue(this.#native, tensor, shown, tokens.length);
        if (rows === null) throw new ChildFailure({ why: 'run', is: `${value} is of a type that is not read` });
        wanted.delete(value);
        onValue(value, rows);
      },
    });
    const [missing] = wanted;
    if (missing !== undefined) throw new ChildFailure({ why: 'run', is: `its graph has no ${missing}` });
    if (logits === 'none') return new Float32Array(0);
    const { vocabSize } = this.#request;
    const rows = this.#logits(session, tokens.length * vocabSize);
    return logits === 'all' ? rows : rows.subarray(rows.length - vocabSize);
  }

  #logits(session: number, count: number): Float32Array {
    const { buffer } = bytesAt(this.#native.logitsOf(this.#context(session)), 4 * count);
    return new Float32Array(buffer);
  }

  /** All rows give logits, whichever are asked for: a product of one row may be summed in another order. */
  #decode(session: number, tokens: readonly number[], firstPosition: number, watch: Watch): void {
    const { forget, memoryOf } = this.#native;
    const context = this.#context(session);
    if (!forget(memoryOf(context), 0, firstPosition, -1)) {
      throw new ChildFailure({ why: 'run', is: `it does not forget the positions from ${firstPosition} on` });
    }
    this.#reader.begin(tokens.length);
    this.#wanted.clear();
    this.#thrown = null;
    this.#watch = watch;
    this.#decodeBatch(context, tokens, firstPosition, () => true);
    this.#watch = null;
    if (this.#thrown !== null) throw this.#thrown;
  }

  #decodeBatch(
    context: Address,
    tokens: readonly number[],
    firstPosition: number,
    wantsLogits: (row: number) => boolean,
  ): void {
    const tokenCount = tokens.length;
    const status = this.#native.decode(context, {
      tokenCount,
      tokens: Int32Array.from(tokens),
      embeddings: null,
      positions: Int32Array.from(tokens, (_, i) => firstPosition + i),
      sequenceCounts: new Int32Array(tokenCount).fill(1),
      sequences: new BigInt64Array(tokenCount).fill(addressOf(ONLY_SEQUENCE)),
      wantsLogits: Int8Array.from(tokens, (_, i) => (wantsLogits(i) ? 1 : 0)),
    });
    if (this.#thrown === null && status !== 0) {
      throw new ChildFailure({ why: 'run', is: `llama_decode answers ${status}` });
    }
  }

  /** Nothing may be thrown through the frames of C. */
  #onNode(address: Address, isQuestion: boolean): boolean {
    try {
      if (isQuestion) {
        const tensor = readTensor(this.#native, address);
        const values = this.#reader.see(tensor).filter(({ value }) => this.#watch?.isWanted(value));
        this.#watch?.onNode?.(tensor);
        if (values.length > 0) this.#wanted.set(address, { values, tensor });
        return values.length > 0;
      }
      const wanted = this.#wanted.get(address);
      this.#wanted.delete(address);
      if (wanted !== undefined) for (const shown of wanted.values) this.#watch?.take(shown, wanted.tensor);
      return true;
    } catch (error) {
      this.#thrown ??= error;
      return false;
    }
  }

  #context(session: number): Address {
    const context = this.#contexts.get(session);
    if (context === undefined) throw new ChildFailure({ why: 'run', is: `there is no session ${session}` });
    return context;
  }
}

/** @throws ChildFailure naming the variants that run here */
function chooseVariant({ build, variant }: OpenRequest): string {
  const scores = build.variants.map((name) => ({ name, score: scoreOf(variantLibrary(build, name)) }));
  const runnable = scores.filter(({ score }) => score > 0).toSorted((a, b) => b.score - a.score);
  const names = runnable.map(({ name }) => name);
  const chosen = variant ?? names[0];
  if (chosen !== undefined && names.includes(chosen)) return chosen;
  const isThere = build.variants.includes(chosen ?? '');
  const is = isThere ? `this processor does not run its build ${chosen}` : `it has no build ${chosen}`;
  throw new ChildFailure({ why: 'variant', is, runnable: names });
}

/**
 * Without its vocabulary, because tokens come as ids here: files without one are run, and a large one costs no time. The
 * size of it then has to be said.
 */
function loadModel(native: Native, { modelPath, architecture, vocabSize }: OpenRequest): Address | null {
  const { layout, modelDefaults } = native;
  const at = layout.kvOverride;
  const overrides = new Uint8Array(3 * at.byteLength);
  const fields = fieldsOf(overrides);
  const encoder = new TextEncoder();
  fields.setInt32(at.tag, at.textTag, true);
  overrides.set(encoder.encode('tokenizer.ggml.model'), at.key);
  overrides.set(encoder.encode('no_vocab'), at.value);
  fields.setInt32(at.byteLength + at.tag, at.integerTag, true);
  overrides.set(encoder.encode(`${architecture}.vocab_size`), at.byteLength + at.key);
  fields.setBigInt64(at.byteLength + at.value, BigInt(vocabSize), true);
  const parameters = modelDefaults();
  fieldsOf(parameters.bytes).setBigUint64(layout.model.kvOverrides, addressOf(overrides), true);
  const model = native.loadModel(modelPath, parameters);
  // Read by C until here, and by nobody after.
  overrides.fill(0);
  return model;
}
