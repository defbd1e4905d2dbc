// Text generation on one session: the prompt in one run, then one token at a time, each fed back. Knows no model file
// and no terminal; the caller opens and closes the session.
import { RefuteError } from '../../errors.ts';
import type { FloatArray, RunRequest, Session, Tap } from '../program/executor.ts';
import { RandomSource } from './random-source.ts';
import { checkSampling, GREEDY, isPlainGreedy, logitRange, sampleToken } from './sample.ts';
import type { LogitRange, SamplingOptions } from './sample.ts';
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
  /** Called with what the logits of each step reach, where a token could be chosen from them. */
  onLogits?(range: LogitRange, step: number): void;
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
  const isOnDevice = !keepsLogits && isPlainGreedy(sampling);
  const choose = async (request: LastRequest<Data>): Promise<Choice<Data>> => {
    const chosen = isOnDevice ? await runGreedy(session, request) : null;
    if (chosen !== null) return chosen;
    const { logits } = await session.run({ ...request, logits: 'last' });
    return { id: sampleToken(logits, all, sampling, random), range: logitRange(logits), logits };
  };
  let next = await choosePrompt(session, options, choose);
  for (let step = 1; ; step += 1) {
    const { id, range, logits } = next;
    options.onLogits?.(range, step);
    if (endIds.has(id)) return { finishReason: 'stop', stopId: id, text: stream.end() };
    all.push(id);
    yield { id, text: stream.push(id), ...(keepsLogits && logits !== null ? { logits } : {}) };
    if (step === maxTokens) return { finishReason: 'length', stopId: null, text: stream.end() };
    if (session.positionCount === options.contextLength) {
      return { finishReason: 'context', stopId: null, text: stream.end() };
    }
    const tap = options.tapOf?.(step, session.positionCount, 1);
    next = await choose({ tokens: [id], signal, ...(tap === undefined ? {} : { tap }) });
  }
}

type LastRequest<Data extends FloatArray> = Omit<RunRequest<Data>, 'logits'>;

/** A token, and the logits that it was chosen from unless they stayed where they were made. */
interface Choice<Data extends FloatArray> {
  id: number;
  range: LogitRange;
  logits: Data | null;
}

/** @returns null where the executor chooses nothing, or its logits are not all numbers: who looks at them says so */
async function runGreedy<Data extends FloatArray>(
  session: Session<Data>,
  request: LastRequest<Data>,
): Promise<Choice<Data> | null> {
  const found = await session.runGreedy?.(request);
  if (found === undefined) return null;
  const { firstPosition, id, greatest, least } = found;
  if (id !== null) return { id, range: { greatest, least }, logits: null };
  session.truncate(firstPosition);
  return null;
}

async function choosePrompt<Data extends FloatArray>(
  session: Session<Data>,
  options: GenerateOptions<Data>,
  choose: (request: LastRequest<Data>) => Promise<Choice<Data>>,
): Promise<Choice<Data>> {
  const { promptIds, signal } = options;
  const tap = options.tapOf?.(0, 0, promptIds.length);
  for (let done = 0; ; done += PROMPT_RUN_POSITIONS) {
    options.onPrompt?.(done, promptIds.length);
    const tokens = promptIds.slice(done, done + PROMPT_RUN_POSITIONS);
    const request = { tokens, signal, ...(tap === undefined ? {} : { tap }) };
    if (done + tokens.length < promptIds.length) {
      await session.run({ ...request, logits: 'none' });
      continue;
    }
    const chosen = await choose(request);
    options.onPrompt?.(promptIds.length, promptIds.length);
    return chosen;
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
