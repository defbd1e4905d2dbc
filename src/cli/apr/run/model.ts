// The generation behind `apr run`, timed, with its text written as it comes. Knows no flags and prints nothing itself.
import { generate, isFlat } from '../../../engine/index.ts';
import type {
  Executor,
  FloatArray,
  FinishReason,
  Model,
  Notice,
  Program,
  SamplingOptions,
  StepUsage,
} from '../../../engine/index.ts';
import { interruptSignal } from '../../interrupt.ts';
import { Progress } from '../../terminal.ts';
import type { RenderedPrompt } from '../prompt.ts';
import { breachNotice, flatNotice, hasInfinity, locate, withPlace } from './range.ts';
import type { RunTracer } from './traced-stages.ts';

export interface Timings {
  loadMs: number;
  promptMs: number;
  decodeMs: number;
  promptTokensPerSecond: number | null;
  /** null where the prompt's own run gave all there is. */
  decodeTokensPerSecond: number | null;
}

export interface RunModelRequest {
  model: Model;
  executor: Executor<FloatArray>;
  prompt: RenderedPrompt;
  sampling: SamplingOptions;
  seed: number;
  maxTokens: number;
  tracer: RunTracer | null;
  writer: { write(text: string): void; end(): void } | null;
}

export interface RunModelResult {
  generation: { generatedIds: number[]; text: string; finishReason: FinishReason; stopId: number | null };
  /** Of what became of the numbers. */
  notices: Notice[];
  timings: Omit<Timings, 'loadMs'>;
  usage: StepUsage | null;
}

export async function runModel(request: RunModelRequest): Promise<RunModelResult> {
  const { model, executor, prompt, sampling, seed, maxTokens, tracer, writer } = request;
  const { contextLength } = executor.program;
  const length = sessionLength(executor.program, prompt, maxTokens);
  const session = await executor.openSession(length);
  const progress = new Progress();
  const generatedIds: number[] = [];
  const flatSteps: number[] = [];
  let isInfinite = false;
  const usage = new UsageWatch();
  const range = { model, executor, contextLength: length };
  const startMs = performance.now();
  let promptEndMs = startMs;
  const tokens = generate(session, {
    promptIds: prompt.ids,
    maxTokens,
    contextLength,
    endIds: model.text.endIds,
    stream: model.text.openStream(prompt.ids),
    sampling,
    seed,
    signal: interruptSignal(),
    onLogits: (logits, step) => {
      if (isFlat(logits)) flatSteps.push(step);
      isInfinite ||= hasInfinity(logits, executor.program);
      usage.note(session.usage);
    },
    tapOf: (step, firstPosition, tokenCount) => {
      const tap = tracer?.tapOf(step, firstPosition, tokenCount);
      usage.next(step > 0 && tap === undefined);
      return tap;
    },
    onPrompt: (done, total) => {
      progress.update(`prompt ${done}/${total} tokens`);
      if (done === total) progress.clear();
      promptEndMs = performance.now();
    },
  });
  let text = '';
  const keep = (more: string): void => {
    text += more;
    writer?.write(more);
  };
  let next: Awaited<ReturnType<typeof tokens.next>>;
  try {
    while ((next = await tokens.next()).done !== true) {
      generatedIds.push(next.value.id);
      keep(next.value.text);
    }
    keep(next.value.text);
  } catch (error) {
    throw await withPlace(error, [...prompt.ids, ...generatedIds], range);
  } finally {
    // Text on the same terminal stays.
    if (generatedIds.length === 0) progress.clear();
    writer?.end();
    session.close();
  }
  const { finishReason, stopId } = next.value;
  const decodeMs = performance.now() - promptEndMs;
  tracer?.finish();
  // The first token comes out of the prompt's run; the end token takes a run and is not among the generated ones.
  const decodeRuns = generatedIds.length - (stopId === null ? 1 : 0);
  const promptMs = promptEndMs - startMs;
  // An executor that does not look at norms is not suspect for that.
  const isSuspect = (session.suspect ?? null) !== null || flatSteps.length > 0 || isInfinite;
  const ran = [...prompt.ids, ...generatedIds].slice(0, length);
  const breach = isSuspect ? await locate(ran, range) : null;
  const isDrawn = sampling.temperature > 0;
  return {
    notices: [
      ...(breach === null ? [] : [breachNotice(breach)]),
      ...(flatSteps.length === 0 ? [] : [await flatNotice(flatSteps, isDrawn, model)]),
    ],
    generation: { generatedIds, text, finishReason, stopId },
    usage: usage.best,
    timings: {
      promptMs,
      decodeMs,
      promptTokensPerSecond: rate(prompt.ids.length, promptMs),
      decodeTokensPerSecond: rate(decodeRuns, decodeMs),
    },
  };
}

/** What a token costs: a decode step without taps, where there was one. */
class UsageWatch {
  best: StepUsage | null = null;
  #isPlain = false;
  #hasPlain = false;

  /** Before a run. @param isPlain one token, and no taps, which cost copies and may cost dispatches */
  next(isPlain: boolean): void {
    this.#isPlain = isPlain;
  }

  /** After it. */
  note(usage: StepUsage | undefined): void {
    if (usage === undefined || (this.#hasPlain && !this.#isPlain)) return;
    this.best = usage;
    this.#hasPlain ||= this.#isPlain;
  }
}

/** The last generated token is not fed back. */
export function sessionLength({ contextLength }: Program, { ids }: RenderedPrompt, maxTokens: number): number {
  return Math.min(contextLength, ids.length + maxTokens - 1);
}

function rate(count: number, durationMs: number): number | null {
  return count > 0 && durationMs > 0 ? (count * 1000) / durationMs : null;
}
