// What a falsifier's part holds in its hands while it runs (falsifier.ts says what each thing means). Lives in the
// part's child process; it counts and records, the judging is done by the harness (part-result.ts).
import { createHash, type Hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import type { Arbitrary } from 'fast-check';
import { RefuteError } from '../../errors.ts';
import type { Need, PartContext, ProgramResult } from './falsifier.ts';
import type { Executor, ExecutorId, Model, OpenOptions } from '../../engine/index.ts';
import { formatNumber, isWithin, isWorse, type Bar } from '../contract/bar.ts';
import { findModel } from './model-places.ts';
import { holdExecutor, openProductModel, type HeldExecutor } from './product.ts';
import { runSearch } from './search.ts';
import { seedOfSearch } from './seed.ts';
import { programText } from '../sources/entries.ts';
import type { PartReport, PartRequest } from './protocol.ts';

/** Ends the part's run from inside a search or a measurement: all that matters is known. */
export class PartStopped extends Error {}

export class RecordingContext implements PartContext {
  readonly seed: number;
  readonly planned: number;
  readonly bar: Bar;
  readonly folder: string;
  readonly executor: ExecutorId;
  readonly engine: readonly string[];
  readonly report: PartReport;
  readonly #request: PartRequest;
  readonly #onProgress: (executed: number) => void;
  readonly #outputs: Hash = createHash('sha256');
  readonly #measurements: Hash = createHash('sha256');
  #hasOutputs = false;
  #searchCount = 0;
  #held: HeldExecutor | null;

  /** @param held the executor that the part is about; null: it is held when one is wanted */
  constructor(
    request: PartRequest,
    planned: number,
    held: HeldExecutor | null,
    onProgress: (executed: number) => void,
  ) {
    const { executor, adapter } = request;
    this.executor = executor;
    this.engine = ['--engine', executor, ...(adapter === undefined ? [] : ['--adapter', adapter])];
    this.#held = held;
    this.seed = request.seed;
    this.planned = planned;
    this.bar = request.bar;
    this.folder = request.folder;
    this.#request = request;
    this.#onProgress = onProgress;
    this.report = {
      planned,
      executed: 0,
      discarded: 0,
      worst: null,
      failure: null,
      thrown: null,
      starvedSearches: 0,
      replayed: 0,
      outputsDigest: '',
      ...(held === null || held.adapter === null ? {} : { adapter: held.adapter }),
      touched: { data: [], models: [], programs: [], packages: [], oracles: [] },
    };
  }

  measure(value: number, place: string): void {
    const { report, bar } = this;
    const where = this.#withoutThisMachine(place);
    // A replay is about stored inputs of searches and nothing else.
    if (this.#request.replayOnly) return;
    report.executed += 1;
    this.#onCase(value, where);
    if (report.worst === null || isWorse(bar, value, report.worst.value)) report.worst = { value, where };
    if (!isWithin(bar, value)) {
      report.failure ??= { kind: 'measure', value, where };
      if (this.#request.stopAtFirst) throw new PartStopped();
    }
  }

  async search<Input>(
    arbitrary: Arbitrary<Input>,
    count: number,
    measure: (input: Input) => number | Promise<number>,
  ): Promise<void> {
    const index = this.#searchCount;
    this.#searchCount += 1;
    const outcome = await runSearch({
      arbitrary,
      measure,
      bar: this.bar,
      index,
      count: this.#caseCount(count),
      seed: seedOfSearch(this.seed, index),
      shrink: !this.#request.stopAtFirst,
      replays: this.#request.replays.filter((stored) => stored.search === index),
      replayOnly: this.#request.replayOnly,
      onCase: (value) => this.#onCase(value, ''),
    });
    const { report } = this;
    report.executed += outcome.executed;
    report.discarded += outcome.discarded;
    report.replayed += outcome.replayed;
    if (
      outcome.worst !== null &&
      (report.worst === null || isWorse(this.bar, outcome.worst.value, report.worst.value))
    ) {
      report.worst = outcome.worst;
    }
    if (outcome.isStarved) report.starvedSearches += 1;
    report.failure ??= outcome.failure;
    report.thrown ??= outcome.thrown;
    if (outcome.failure !== null || outcome.thrown !== null) throw new PartStopped();
  }

  output(bytes: Uint8Array | string): void {
    this.#hasOutputs = true;
    // Length first: two outputs must not digest like their concatenation.
    const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.#outputs.update(`${data.byteLength}:`).update(data);
  }

  data(relativePath: string): string {
    const path = resolve(this.#request.root, relativePath);
    const name = relative(this.#request.root, path).split(sep).join('/');
    if (name.startsWith('..') || !exists(path)) {
      const is = 'the falsifier asks for a data file that is not there';
      const allowed = 'a data file is named by its path below the project root';
      throw new RefuteError({ code: 'E_FALSIFIER_DATA', place: relativePath, is, allowed });
    }
    pushOnce(this.report.touched.data, name);
    return path;
  }

  model(need: Extract<Need, `model:${string}`>, file?: string): string {
    const name = findModel(this.#request.root, need, file);
    if (this.#request.modelOverride !== undefined) return this.#request.modelOverride;
    pushOnce(this.report.touched.models, name);
    return resolve(this.#request.root, name);
  }

  async openModel(path: string): Promise<Model> {
    // `stat` first: a missing file is the falsifier's mistake, not a finding about the engine.
    await stat(path);
    pushOnce((this.report.touched.product ??= []), 'model');
    return openProductModel(path);
  }

  async openExecutor(model: Pick<Model, 'program' | 'weights'>, options: OpenOptions = {}): Promise<Executor> {
    const id = this.#request.executor;
    pushOnce((this.report.touched.product ??= []), `executor:${id}`);
    const held = this.#held ?? (await holdExecutor(id));
    // An executor that may be absent was held before the part began.
    if ('absent' in held) throw new Error(`the executor ${id} is gone: ${held.absent}`);
    this.#held = held;
    return held.open(model.program, model.weights, options);
  }

  oracle(identity: { name: string; version: string; digest?: string }): void {
    const { oracles } = this.report.touched;
    const isKnown = oracles.some((entry) => entry.name === identity.name && entry.digest === identity.digest);
    if (!isKnown) oracles.push(identity);
  }

  async program(
    name: 'apr' | 'pv',
    argv: readonly string[],
    options: { stdin?: string; cwd?: string } = {},
  ): Promise<ProgramResult> {
    pushOnce(this.report.touched.programs, programText(name, argv));
    const { runProgram } = await import('./run-program.ts');
    return runProgram(name, argv, { cwd: this.#request.root, ...options });
  }

  /** Digest of the outputs, or of the measurements where the falsifier named no outputs. */
  outputsDigest(): string {
    return (this.#hasOutputs ? this.#outputs : this.#measurements).copy().digest('hex');
  }

  /** Receipts are committed, and compared between machines: what stands in them names no folder of this one. */
  #withoutThisMachine(text: string): string {
    return text.replaceAll(this.folder, '<folder>').replaceAll(`${this.#request.root}${sep}`, '');
  }

  #onCase(value: number, where: string): void {
    this.#measurements.update(`${formatNumber(value)} ${where}\n`);
    this.#onProgress(this.report.executed);
  }

  /** A fault run asks for fewer cases than planned, so an author's division may leave a fraction. */
  #caseCount(count: number): number {
    if (this.#request.planned !== undefined) return Math.max(1, Math.floor(count));
    if (Number.isSafeInteger(count) && count > 0) return count;
    const is = `a search asks for ${count} cases`;
    const allowed = 'a search runs a whole number of cases, at least 1';
    throw new RefuteError({ code: 'E_SEARCH_COUNT', place: this.#request.address.claim, is, allowed });
  }
}

function pushOnce<Item>(list: Item[], item: Item): void {
  if (!list.includes(item)) list.push(item);
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
