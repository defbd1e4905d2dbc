// The work of the page, in its worker: opens a model, generates, and holds the two engines against each other, all with
// what the command line uses. Nothing of the page itself is known here.
import { checkModel, findVouchers } from '../diagnosis/index.ts';
import { compareWithCpu, logitsOf } from '../diagnosis/parity/index.ts';
import {
  chosenFiles,
  fileNames,
  generate,
  oddWeights,
  openModelFileFrom,
  openModelFrom,
  promptIds,
  promptText,
  type Executor,
  type Files,
  type Model,
  type OddWeight,
} from '../engine/index.ts';
import { RefuteError } from '../errors.ts';
import { Engines } from './engines.ts';
import { checkFacts, fileFacts, gpuFacts, modelFacts } from './facts.ts';
import type { AskedPrompt, EngineName, FromWorker, Job } from './messages.ts';

/** Tells the page. */
type Tell = (message: FromWorker) => void;
type JobOf<Type extends Job['type']> = Extract<Job, { type: Type }>;

interface Opened {
  model: Model;
  engines: Engines;
  /** Of all weights that the program reads; looked at once. */
  odd: readonly OddWeight[] | null;
  /** Of the last generation: the prompt, and its ids with those of the answer. */
  last: (AskedPrompt & { ids: readonly number[] }) | null;
}

export class Work {
  readonly #tell: Tell;
  #opened: Opened | null = null;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** @throws RefuteError of whatever the job uses, and the signal's reason */
  async do(job: Job, signal: AbortSignal): Promise<void> {
    try {
      switch (job.type) {
        case 'look':
          return this.#tell({ type: 'gpu', gpu: await gpuFacts() });
        case 'open':
          return await this.#openModel(job);
        case 'hash':
          return await this.#hash();
        case 'generate':
          return await this.#generate(job, signal);
        case 'compare':
          return await this.#compare(job, signal);
      }
    } catch (error) {
      // What is on a device that is gone is gone with it.
      if (error instanceof RefuteError && error.code === 'E_GPU_LOST') await this.#opened?.engines.close();
      throw error;
    }
  }

  async #openModel({ files: chosen, path }: JobOf<'open'>): Promise<void> {
    await this.#close();
    const files = chosenFiles(chosen);
    try {
      const model = await openModelFrom(files, path);
      this.#opened = { model, engines: new Engines(model), odd: null, last: null };
      this.#tell({ type: 'model', model: modelFacts(model) });
      this.#tell({ type: 'notices', notices: model.notices });
    } catch (error) {
      // A header can be read without kernels.
      if (error instanceof RefuteError && error.code === 'E_CROSS_ORIGIN_ISOLATION')
        await this.#readHeader(files, path);
      throw error;
    }
  }

  async #readHeader(files: Files, path: string): Promise<void> {
    const file = await openModelFileFrom(files, path);
    this.#tell({ type: 'model', model: fileFacts(file) });
    await file.close();
  }

  async #hash(): Promise<void> {
    const { model } = this.#current();
    const sha256 = await model.sha256((done, total) => this.#progress('sha256', done, total, 'bytes'));
    this.#tell({ type: 'hash', sha256 });
  }

  async #generate({ engine, maxTokens, ...asked }: JobOf<'generate'>, signal: AbortSignal): Promise<void> {
    const opened = this.#current();
    const { text, program } = opened.model;
    const ids = this.#promptIds(asked);
    const executor = await this.#executor(engine, signal);
    const name = executor.adapter ?? executor.id;
    this.#tell({ type: 'prompt', ids, source: text.hasChatTemplate && !asked.isRaw ? 'chat' : 'raw', engine: name });
    const contextLength = Math.min(program.contextLength, ids.length + maxTokens - 1);
    const session = await executor.openSession(contextLength);
    const tokenIds: number[] = [];
    const startMs = performance.now();
    let firstMs = startMs;
    const tokens = generate(session, {
      promptIds: ids,
      maxTokens,
      contextLength,
      endIds: text.endIds,
      stream: text.openStream(ids),
      signal,
      onPrompt: (done, total) => {
        this.#progress('prompt', done, total, 'steps');
        firstMs = performance.now();
      },
    });
    try {
      let next = await tokens.next();
      for (; next.done !== true; next = await tokens.next()) {
        tokenIds.push(next.value.id);
        this.#tell({ type: 'text', text: next.value.text, tokenCount: tokenIds.length });
      }
      this.#tell({ type: 'text', text: next.value.text, tokenCount: tokenIds.length });
      const { finishReason, stopId } = next.value;
      // The first token comes out of the prompt's run; the end token takes a run and is not among the generated ones.
      const runs = tokenIds.length - (stopId === null ? 1 : 0);
      const tokensPerSecond = runs > 0 ? (1000 * runs) / (performance.now() - firstMs) : null;
      const promptMs = firstMs - startMs;
      const generation = { engine: name, tokenIds, finishReason, promptMs, tokensPerSecond };
      this.#tell({ type: 'generated', generation });
    } finally {
      session.close();
      opened.last = { ...asked, ids: [...ids, ...tokenIds] };
    }
  }

  /** First the engines against each other, then each op of each by itself. */
  async #compare({ engines, maxPositions, ...asked }: JobOf<'compare'>, signal: AbortSignal): Promise<void> {
    const { model, last } = this.#current();
    const isAnswered = last !== null && last.prompt === asked.prompt && last.isRaw === asked.isRaw;
    const all = isAnswered ? last.ids : this.#promptIds(asked);
    const tokens = all.slice(0, Math.min(maxPositions, model.program.contextLength));
    this.#tell({ type: 'compared', tokenCount: tokens.length, ofCount: all.length });
    if (engines.length > 1) await this.#parity(tokens, signal);
    await this.#check(engines, tokens, signal);
  }

  async #parity(tokens: readonly number[], signal: AbortSignal): Promise<void> {
    const { model } = this.#current();
    const webgpu = await this.#executor('webgpu', signal);
    const cpu = await this.#executor('cpu', signal);
    const report = await compareWithCpu({
      program: model.program,
      weights: model.weights,
      tokens,
      subject: await this.#side(webgpu, tokens, signal),
      cpu: await this.#side(cpu, tokens, signal),
      signal,
      onProgress: (op, index, count) => this.#progress(`float64 ${op.out}`, index, count, 'steps'),
    });
    const shown = new Set([...tokens, ...report.positions.flatMap(({ ours: a, theirs: b }) => [a ?? 0, b ?? 0])]);
    const texts = Object.fromEntries([...shown].map((id) => [id, model.text.tokenText(id)]));
    this.#tell({ type: 'parity', report, tokens: texts });
  }

  async #check(engines: readonly EngineName[], tokens: readonly number[], signal: AbortSignal): Promise<void> {
    const opened = this.#current();
    const { model } = opened;
    opened.odd ??= await this.#lookAtWeights(model, signal);
    const notices: string[] = [];
    const vouchers = await findVouchers(model, undefined, null, (message) => notices.push(message));
    try {
      for (const engine of engines) {
        this.#progress(`running ${engine} with every value shown`, 0, 1, 'steps');
        const report = await checkModel({
          executor: await this.#executor(engine, signal),
          program: model.program,
          weights: model.weights,
          tokens,
          original: null,
          verifyOn: vouchers.unquantized?.weights ?? null,
          packs: vouchers.packs,
          hasFreeRun: false,
          oddWeights: opened.odd,
          nameOf: fileNames(model.tensors),
          signal,
          onProgress: (op, index, count) => this.#progress(`judging ${engine} ${op.out}`, index, count, 'steps'),
        });
        this.#tell({ type: 'check', engine, check: checkFacts(report) });
      }
    } finally {
      await vouchers.close();
    }
    const warnings = notices.map((message) => ({ severity: 'warning', code: 'PACK', message }) as const);
    this.#tell({ type: 'notices', notices: warnings });
  }

  async #lookAtWeights({ program, weights, tensors }: Model, signal: AbortSignal): Promise<readonly OddWeight[]> {
    const read = new Set(program.weights.map(({ name }) => name));
    const { odd } = await oddWeights({
      program,
      weights,
      tensors: tensors.filter(({ name }) => read.has(name)),
      signal,
      onProgress: (done, total) => this.#progress('looking at the weights', done, total, 'steps'),
    });
    return odd;
  }

  async #side(executor: Executor, tokens: readonly number[], signal: AbortSignal) {
    const { adapter, id, profile } = executor;
    this.#progress(`running ${id}`, 0, 1, 'steps');
    const name = adapter === null ? 'the CPU engine' : `WebGPU on ${adapter}`;
    const logits = await logitsOf(executor, tokens, 'all', signal);
    return { name, profile, logits };
  }

  #executor(engine: EngineName, signal: AbortSignal): Promise<Executor> {
    return this.#current().engines.get(engine, signal, (done, total) =>
      this.#progress(`weights to ${engine}`, done, total, 'bytes'),
    );
  }

  #promptIds({ prompt, isRaw }: AskedPrompt): number[] {
    const { text } = this.#current().model;
    const { ids, notices } = promptIds(text, promptText(text, prompt, { isRaw }));
    this.#tell({ type: 'notices', notices });
    return ids;
  }

  #progress(text: string, done: number, total: number, unit: 'bytes' | 'steps'): void {
    this.#tell({ type: 'progress', text, done, total, unit });
  }

  #current(): Opened {
    if (this.#opened !== null) return this.#opened;
    const allowed = 'a model must be open first';
    throw new RefuteError({ code: 'E_PAGE_MODEL', place: 'this page', is: 'no model is open', allowed });
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.engines.close();
    await opened?.model.close();
  }
}
