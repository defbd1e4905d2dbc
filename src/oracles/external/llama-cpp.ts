// The outside oracle for whole programs, tokenizers and greedy text: llama.cpp itself, through node-llama-cpp, on the
// CPU. An optional package: where it is missing the answer is a value, and claims that need it are not-run.
import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { RefuteError } from '../../errors.ts';

export type LlamaCppAvailability = { available: true; llama: LlamaCpp } | { available: false; reason: string };

interface LlamaCppOptions {
  /** Positions that a sequence can hold; the default is 512. */
  contextLength?: number;
  /** `f16` is llama.cpp's own default and costs about 1e-6 of KL against `f32`. */
  kvCache?: 'f16' | 'f32';
  /** Loads the tokenizer only. */
  vocabOnly?: boolean;
  /**
   * Default 1: its threads wait for each other by spinning, which on a machine with other work takes a thousand times
   * longer than one thread does (stories260K, 20 tokens, two busy cores: 14 s against 0.05 s).
   */
  threads?: number;
}

/** One process-wide llama.cpp; starting it takes about a second. */
interface LlamaCpp {
  readonly name: 'llama.cpp';
  /** Package and release, for receipts: `v0.5.0 (node-llama-cpp 3.22.1, cpu)`. */
  readonly version: string;
  openModel(path: string, options?: LlamaCppOptions): Promise<LlamaCppModel>;
  close(): Promise<void>;
}

export interface LlamaCppModel {
  readonly vocabSize: number;
  readonly bosId: number | null;
  /** Adds no BOS. */
  tokenize(text: string, options: { parseSpecial: boolean }): number[];
  /** As llama.cpp writes the tokens out; a SentencePiece text loses its first space. */
  detokenize(ids: readonly number[], options: { keepSpecial: boolean }): string;
  isEnd(id: number): boolean;
  /** The ids after `ids`, each the most likely one, without the end token; at most `maxTokens`. */
  greedy(ids: readonly number[], maxTokens: number): Promise<number[]>;
  /** Logits after each of `ids`: [ids.length, vocabSize], row-major. */
  logits(ids: readonly number[]): Promise<Float32Array>;
  /** Natural logarithms of the probabilities after each of `ids`: [ids.length, vocabSize], row-major. */
  logProbabilities(ids: readonly number[]): Promise<Float64Array>;
  close(): Promise<void>;
}

/** llama.cpp rounds a context up to a whole number of these. */
const CONTEXT_STEP = 256;
/** The binding keeps one position free, and forgets the first half of the others to have it. */
const SPARE_POSITIONS = 1;

/** Positions of the context that llama.cpp has after `openModel` with this `contextLength`: what longrope goes by. */
export function llamaCppContextLength(contextLength: number): number {
  return Math.ceil((contextLength + SPARE_POSITIONS) / CONTEXT_STEP) * CONTEXT_STEP;
}

const DEFAULT_CONTEXT_LENGTH = 512;

/** Never throws for an absent or unusable package: says why instead. */
export async function loadLlamaCpp(): Promise<LlamaCppAvailability> {
  try {
    const { getLlama, getModuleVersion, LlamaLogLevel } = await import('node-llama-cpp');
    const llama = await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.disabled,
      logger: () => {},
    });
    const packageVersion = await getModuleVersion();
    return {
      available: true,
      llama: {
        name: 'llama.cpp',
        version: `${llama.llamaCppRelease.release} (node-llama-cpp ${packageVersion}, cpu)`,
        openModel: async (path, options = {}) => {
          const model = await llama.loadModel({
            modelPath: path,
            gpuLayers: 0,
            vocabOnly: options.vocabOnly ?? false,
          });
          return new OpenLlamaCppModel(model, options);
        },
        close: async () => llama.dispose(),
      },
    };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { available: false, reason: `llama.cpp does not load: ${why}` };
  }
}

class OpenLlamaCppModel implements LlamaCppModel {
  readonly #model: LlamaModel;
  readonly #options: LlamaCppOptions;
  #sequence: LlamaContextSequence | null = null;

  constructor(model: LlamaModel, options: LlamaCppOptions) {
    this.#model = model;
    this.#options = options;
  }

  get vocabSize(): number {
    return this.#model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  }

  get bosId(): number | null {
    return this.#model.tokens.bos;
  }

  tokenize(text: string, { parseSpecial }: { parseSpecial: boolean }): number[] {
    return this.#model.tokenize(text, parseSpecial);
  }

  detokenize(ids: readonly number[], { keepSpecial }: { keepSpecial: boolean }): string {
    return this.#model.detokenize(ids as Token[], keepSpecial);
  }

  isEnd(id: number): boolean {
    return this.#model.isEogToken(id as Token);
  }

  async greedy(ids: readonly number[], maxTokens: number): Promise<number[]> {
    const sequence = await this.#clearSequence(ids.length + maxTokens);
    const generated: number[] = [];
    if (maxTokens === 0) return generated;
    for await (const id of sequence.evaluate(ids as Token[], { temperature: 0 })) {
      if (this.isEnd(id)) break;
      generated.push(id);
      if (generated.length === maxTokens) break;
    }
    return generated;
  }

  async logits(ids: readonly number[]): Promise<Float32Array> {
    const sequence = await this.#clearSequence(ids.length);
    const { vocabSize } = this;
    const logits = new Float32Array(ids.length * vocabSize).fill(Number.NaN);
    const input = ids.map(
      (id) => [id as Token, { generateNext: { logits: true } }] as [Token, { generateNext: object }],
    );
    const rows = await sequence.controlledEvaluate(input);
    for (const [position, row] of rows.entries()) {
      for (const [id, logit] of row?.next.logits ?? []) logits[position * vocabSize + id] = logit;
    }
    const missing = logits.findIndex((logit) => Number.isNaN(logit));
    if (missing !== -1) {
      const is = `no logit for id ${missing % vocabSize} at position ${Math.floor(missing / vocabSize)}`;
      const allowed = 'one that is NaN is not handed out';
      const next = 'apr check MODEL --engine llama.cpp names where its numbers left their range';
      throw new RefuteError({ code: 'E_ORACLE_INCOMPLETE', place: 'llama.cpp', is, allowed, next });
    }
    return logits;
  }

  async logProbabilities(ids: readonly number[]): Promise<Float64Array> {
    const { vocabSize } = this;
    const logits = await this.logits(ids);
    const result = new Float64Array(logits.length);
    for (let start = 0; start < logits.length; start += vocabSize) {
      const row = logits.subarray(start, start + vocabSize);
      const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const logSum = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) + most;
      for (let id = 0; id < vocabSize; id += 1) result[start + id] = (row[id] ?? Number.NaN) - logSum;
    }
    return result;
  }

  async close(): Promise<void> {
    await this.#model.dispose();
  }

  async #clearSequence(positions: number): Promise<LlamaContextSequence> {
    const contextLength = this.#options.contextLength ?? DEFAULT_CONTEXT_LENGTH;
    if (positions > contextLength) {
      const is = `${positions} positions are wanted`;
      const allowed = `the context was opened for ${contextLength}`;
      throw new RefuteError({ code: 'E_ORACLE_CONTEXT', place: 'llama.cpp', is, allowed });
    }
    if (this.#sequence === null) {
      const type = this.#options.kvCache === 'f32' ? 'F32' : 'F16';
      const context = await this.#model.createContext({
        contextSize: contextLength + SPARE_POSITIONS,
        flashAttention: false,
        experimentalKvCacheKeyType: type,
        experimentalKvCacheValueType: type,
        threads: this.#options.threads ?? 1,
      });
      this.#sequence = context.getSequence();
    }
    await this.#sequence.clearHistory();
    return this.#sequence;
  }
}
