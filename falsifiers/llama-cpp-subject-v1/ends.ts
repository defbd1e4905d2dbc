// That an end of llama.cpp's process, by a signal or by an assertion of its own, is a typed error that says how, at once
// and to who asks after it.
import { RefuteError } from '../../src/errors.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { Part, PartContext } from '../../src/runner/run/falsifier.ts';
import { LlamaCppChild } from '../../src/oracles/external/llama-cpp-subject/child-process.ts';
import { programInGraph } from '../../src/oracles/external/llama-cpp-subject/graph-forms.ts';
import { openLlamaCppExecutor } from '../../src/oracles/external/llama-cpp-subject/llama.cpp-executor.ts';
import { findPackageBuild } from '../../src/oracles/external/llama-cpp-subject/package-build.ts';
import { NEEDS, shownValues, VARIANTS, withSubjects } from './subject.ts';

const SIGNALS = ['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGTERM'] as const;
/** So many, where the model takes them, that a pipe cannot hold what they give: else the process may be done before the
 * signal reaches it. */
const TOKEN_COUNT = 200;
const ENDS_PER_MODEL = SIGNALS.length + 1;

/** 1 where an end is not told as it should be, 0 where it is. */
async function untold(words: RegExp, attempts: (() => Promise<unknown>)[]): Promise<number> {
  for (const attempt of attempts) {
    const error: unknown = await attempt().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof RefuteError && error.code === 'E_SUBJECT_DIED' && words.test(error.message))) return 1;
  }
  return 0;
}

/** In the middle of a run, at the first value that comes out of it. */
async function endBySignal({ program, weights, path }: Model, signal: NodeJS.Signals): Promise<number> {
  const executor = await openLlamaCppExecutor(program, weights, { subject: { modelPath: path } });
  const tokens = Array.from({ length: Math.min(TOKEN_COUNT, program.contextLength) }, (_, i) => 1 + (i % 3));
  const session = await executor.openSession(tokens.length);
  const onValue = (): void => void process.kill(executor.pid ?? Number.NaN, signal);
  const tap = { values: new Set(shownValues(executor)), onValue };
  const run = (): Promise<unknown> => session.run({ tokens, logits: 'all', tap });
  const result = await untold(new RegExp(signal), [run, run, () => executor.openSession(4)]);
  await executor.close();
  return result;
}

/** Four rows of logits where two were asked for: llama.cpp asserts that, and aborts. */
async function endByAssertion({ program, path }: Model): Promise<number> {
  const build = findPackageBuild();
  if ('absent' in build) throw new Error(build.absent);
  const { architecture, vocabSize } = program;
  const options = { variant: null, modelPath: path, flashAttention: 'off', kvCache: 'f16', threads: 1 } as const;
  const run = { type: 'run', session: 0, firstPosition: 0, tokens: [1, 2, 3, 4], logits: 'all', values: [] } as const;
  const child = new LlamaCppChild();
  await child.ask({ type: 'open', build, ...options, architecture, vocabSize, ...programInGraph(program) });
  await child.ask({ type: 'session', session: 0, contextLength: 8, chunkPositions: 2 });
  const result = await untold(/SIGABRT.*GGML_ASSERT/s, [() => child.ask(run), () => child.ask(run)]);
  await child.close();
  return result;
}

async function measureEnds(context: PartContext, model: Model, where: string): Promise<void> {
  for (const signal of SIGNALS) context.measure(await endBySignal(model, signal), `${signal}, ${where}`);
  context.measure(await endByAssertion(model), `an assertion, ${where}`);
}

export const generatedEnds: Part = {
  needs: NEEDS,
  planned: VARIANTS.length * ENDS_PER_MODEL,
  run: (context) =>
    withSubjects(context, async ({ engines }) => {
      for (const variant of VARIANTS) {
        await measureEnds(context, await engines.tiny(variant, 0), `generated model ${variant}`);
      }
    }),
};

export const trainedEnds: Part = {
  needs: [...NEEDS, 'model:sums-2m'],
  planned: ENDS_PER_MODEL,
  run: (context) =>
    withSubjects(context, async ({ engines }) => {
      const file = 'sums-2m.q4_k_m.gguf';
      await measureEnds(context, await engines.bundled(file), file);
    }),
};
