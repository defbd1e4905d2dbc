// Runs of the engine that a claim is about, on models made from a seed and on trained ones, as bits that can be compared. Every
// model is opened through the harness, so that a planted fault is in it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Model } from '../../../src/engine/model/model.ts';
import type { Executor, OpenOptions, RunRequest, Session } from '../../../src/engine/program/executor.ts';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { tinyPath } from '../models/tiny-files.ts';
import { tinyModel, tinyShape, type TinyModel, type TinyShape } from '../models/tiny-model.ts';

/** Models are made of a few seeds only, so that opening them does not outweigh running them. */
const MODEL_SEEDS = 2;

export interface Run {
  /** [positions, vocabSize], or the last row alone. */
  logits: Float32Array;
  /** Tapped values, all positions, by id. */
  values: Map<string, Float32Array>;
}

export class Engines {
  readonly #context: PartContext;
  readonly #sources = new Map<string, TinyModel>();
  readonly #models = new Map<TinyModel | string, Promise<Model>>();
  readonly #executors = new Map<string, Promise<Executor>>();

  constructor(context: PartContext) {
    this.#context = context;
  }

  /** A generated model; `variant` counts through the architecture details. */
  async tiny(variant: number, seed: number, changes: Partial<TinyShape> = {}): Promise<Model> {
    return this.fromTiny(this.tinySource(variant, seed, changes));
  }

  /** What a generated model is made from: the same for the same arguments. */
  tinySource(variant: number, seed: number, changes: Partial<TinyShape> = {}): TinyModel {
    const shape = tinyShape(variant, changes);
    const modelSeed = this.#context.seed + (seed % MODEL_SEEDS);
    const key = `${JSON.stringify(shape)} ${modelSeed}`;
    const source = this.#sources.get(key) ?? tinyModel(shape, modelSeed);
    this.#sources.set(key, source);
    return source;
  }

  async fromTiny(source: TinyModel): Promise<Model> {
    return this.#model(source, async () => {
      const path = join(this.#context.folder, `${this.#models.size}.gguf`);
      await writeFile(path, source.bytes);
      return path;
    });
  }

  async bundled(file: string): Promise<Model> {
    return this.#model(file, async () => this.#context.model('model:sums-2m', file));
  }

  async smolLm2(): Promise<Model> {
    return this.#model('smollm2', async () => this.#context.model('model:smollm2'));
  }

  /** An untrained model of models/tiny: its folder `hf`, or `model.gguf`. */
  async untrained(name: string, file: string): Promise<Model> {
    return this.#model(`${name}/${file}`, async () => tinyPath(this.#context, name, file));
  }

  /** One executor per model and options, kept open. */
  async executor(model: Model, options: OpenOptions = {}): Promise<Executor> {
    const key = `${model.path} ${JSON.stringify(options)}`;
    const opened = this.#executors.get(key) ?? this.#context.openExecutor(model, options);
    this.#executors.set(key, opened);
    return opened;
  }

  async close(): Promise<void> {
    for (const executor of this.#executors.values()) await (await executor).close();
    for (const model of this.#models.values()) await (await model).close();
  }

  #model(key: TinyModel | string, path: () => Promise<string>): Promise<Model> {
    const opened = this.#models.get(key) ?? path().then((file) => this.#context.openModel(file));
    this.#models.set(key, opened);
    return opened;
  }
}

/** Runs `use` with engines that are closed afterwards. */
export async function withEngines(context: PartContext, use: (engines: Engines) => Promise<void>): Promise<void> {
  const engines = new Engines(context);
  try {
    await use(engines);
  } finally {
    await engines.close();
  }
}

/** One run in a session of its own, in the pieces that `lengths` says. */
export async function runPieces(
  executor: Executor,
  tokens: readonly number[],
  lengths: readonly number[],
): Promise<Float32Array> {
  return withSession(executor, tokens.length, async (session) => {
    const pieces: Float32Array[] = [];
    for (let at = 0, n = 0; at < tokens.length; n++) {
      const piece = tokens.slice(at, at + (lengths[n] ?? tokens.length));
      pieces.push((await session.run({ tokens: piece, logits: 'all' })).logits);
      at += piece.length;
    }
    return joined(pieces);
  });
}

/** One run in a session of its own, with the given values tapped. */
export async function runTapped(
  executor: Executor,
  request: Pick<RunRequest, 'tokens' | 'logits'>,
  tapped: Iterable<string> = [],
): Promise<Run> {
  const pieces = new Map<string, Float32Array[]>([...tapped].map((id) => [id, []]));
  const onValue = (id: string, data: Float32Array): void => void pieces.get(id)?.push(data);
  const tap = pieces.size === 0 ? {} : { tap: { values: new Set(pieces.keys()), onValue } };
  return withSession(executor, request.tokens.length, async (session) => {
    const { logits } = await session.run({ ...request, ...tap });
    return { logits, values: new Map([...pieces].map(([id, parts]) => [id, joined(parts)])) };
  });
}

/**
 * A session is opened where another one of its length has just been, with other tokens: what it left in memory is never
 * by chance the right answer, so a row that is read without having been written shows.
 */
export async function withSession<Result>(
  executor: Executor,
  contextLength: number,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  const before = await executor.openSession(contextLength);
  const tokens = Array.from({ length: contextLength }, (_, i) => (7 + 31 * i) % executor.program.vocabSize);
  await before.run({ tokens, logits: 'none' });
  before.close();
  const session = await executor.openSession(contextLength);
  try {
    return await use(session);
  } finally {
    session.close();
  }
}

/** Words that are not the same 32 bits; a different length is all of them. */
export function countDifferentWords(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Math.max(a.length, b.length);
  const [x, y] = [a, b].map((values) => new Uint32Array(values.buffer, values.byteOffset, values.length)) as [
    Uint32Array,
    Uint32Array,
  ];
  let differences = 0;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) differences += 1;
  return differences;
}

function joined(pieces: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
