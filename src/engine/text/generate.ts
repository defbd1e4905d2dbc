// Text generation on one session: the prompt in one run, then one token at a time, each fed back. Knows no model file
// and no terminal; the caller opens and closes the session.
import { RefuteError } from '../../errors.ts';
import type { FloatArray, Session, Tap } from '../program/executor.ts';
import { RandomSource } from './random-source.ts';
import { checkSampling, GREEDY, sampleToken, type SamplingOptions } from './sample.ts';
import type { TextStream } from './text-model.ts';

/** `stop`: the model gave an end token; `length`: `maxTokens` are there; `context`: the session is full. */
export type FinishReason = 'stop' | 'length' | 'context';

export interface GenerateOptions<Data extends FloatArray = Float32Array> {
  promptIds: readonly number[];
  /** At least 1. */
  maxTokens: number;
  /** Positions that the session was opened for. */
  contextLength: number;
  endIds: ReadonlySet<number>;
  /** Decodes what is generated: `TextModel.openStream(promptIds)`. */
  stream: TextStream;
  /** Greedy unless given. */
  sampling?: SamplingOptions;
  /** An integer from 0; drawing with it is reproducible on every machine. */
  seed?: number;
  /** Each token carries the logits that it was chosen from. */
  keepsLogits?: boolean;
  /** Asked before each run: step 0 is the prompt, step n feeds the n-th token. */
  tapOf?(step: number, firstPosition: number, tokenCount: number): Tap<Data> | undefined;
  /** Stops the generation within a step. */
  signal?: AbortSignal | undefined;
  /** Called with the logits of each step from which a token could be chosen. */
  onLogits?(logits: Data, step: number): void;
  /** Called as the prompt goes in. */
  onPrompt?(done: number, total: number): void;
}

export interface GeneratedToken<Data extends FloatArray = Float32Array> {
  id: number;
  /** The characters that this token completes, often its own, sometimes none. */
  text: string;
  /** [vocabSize], where `keepsLogits`. */
  logits?: Data;
}

export interface GenerationEnd {
  finishReason: FinishReason;
  /** The end token. It is not one of the generated tokens. */
  stopId: number | null;
  /** What an unfinished character left behind. */
  text: string;
}

/** Positions of a long prompt per run, so that progress can be seen. The size changes no bit of the result. */
const PROMPT_RUN_POSITIONS = 256;

/**
 * @throws RefuteError E_GENERATE (a broken option), E_PROMPT_TOO_LONG, E_SAMPLING, E_LOGITS, and those of the session
 */
export async function* generate<Data extends FloatArray = Float32Array>(
  session: Session<Data>,
  options: GenerateOptions<Data>,
): AsyncGenerator<GeneratedToken<Data>, GenerationEnd, void> {
  const { promptIds, maxTokens, endIds, stream, sampling = GREEDY, seed = 0, keepsLogits = false, signal } = options;
  checkOptions(options, sampling);
  const random = new RandomSource(seed);
  const all = [...promptIds];
  let logits = await runPrompt(session, options);
  for (let step = 1; ; step += 1) {
    const id = sampleToken(logits, all, sampling, random);
    options.onLogits?.(logits, step);
    if (endIds.has(id)) return { finishReason: 'stop', stopId: id, text: stream.end() };
    all.push(id);
    yield { id, text: stream.push(id), ...(keepsLogits ? { logits } : {}) };
    if (step === maxTokens) return { finishReason: 'length', stopId: null, text: stream.end() };
    if (session.positionCount === options.contextLength) {
      return { finishReason: 'context', stopId: null, text: stream.end() };
    }
    const tap = options.tapOf?.(step, session.positionCount, 1);
    const request = { tokens: [id], logits: 'last', signal, ...(tap === undefined ? {} : { tap }) } as const;
    ({ logits } = await session.run(request));
  }
}

async function runPrompt<Data extends FloatArray>(
  session: Session<Data>,
  options: GenerateOptions<Data>,
): Promise<Data> {
  const { promptIds, signal } = options;
  const tap = options.tapOf?.(0, 0, promptIds.length);
  for (let done = 0; ; done += PROMPT_RUN_POSITIONS) {
    options.onPrompt?.(done, promptIds.length);
    const tokens = promptIds.slice(done, done + PROMPT_RUN_POSITIONS);
    const isLast = done + tokens.length === promptIds.length;
    const request = {
      tokens,
      logits: isLast ? 'last' : 'none',
      signal,
      ...(tap === undefined ? {} : { tap }),
    } as const;
    const { logits } = await session.run(request);
    if (!isLast) continue;
    options.onPrompt?.(promptIds.length, promptIds.length);
    return logits;
  }
}

function checkOptions(
  { promptIds, maxTokens, contextLength }: Pick<GenerateOptions, 'promptIds' | 'maxTokens' | 'contextLength'>,
  sampling: SamplingOptions,
): void {
  checkSampling(sampling);
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    const is = `${maxTokens}`;
    throw new RefuteError({ code: 'E_GENERATE', place: 'maxTokens', is, allowed: 'a whole number from 1' });
  }
  if (promptIds.length === 0) {
    const is = 'it has no tokens';
    throw new RefuteError({ code: 'E_GENERATE', place: 'prompt', is, allowed: 'at least one is needed' });
  }
  if (promptIds.length > contextLength) {
    const is = `it has ${promptIds.length} tokens`;
    const allowed = `the context holds ${contextLength}`;
    throw new RefuteError({ code: 'E_PROMPT_TOO_LONG', place: 'prompt', is, allowed });
  }
}
