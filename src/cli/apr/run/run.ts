// `apr run MODEL [PROMPT]`: generates text, greedily unless told otherwise, and says exactly what it ran: prompt ids,
// generated ids, executor, model. The text streams to stdout; everything else goes to stderr, or with --json to JSON.
import type { Command } from 'commander';
import type { Notice, SamplingOptions } from '../../../engine/index.ts';
import { parseCount, parsePositiveCount } from '../../options.ts';
import { createProgram } from '../../program.ts';
import { printJson } from '../../terminal.ts';
import { addEngineOptions, requestedEngine, type EngineFlags } from '../engine-option.ts';
import { addPromptOptions, usage, type PromptFlags } from '../prompt.ts';
import type { RunReport } from './text.ts';
import type { TraceFlags } from './traced-stages.ts';

export interface RunOptions extends PromptFlags, EngineFlags, TraceFlags {
  maxTokens: number;
  temperature: number;
  topK: number;
  topP: number;
  seed: number;
  repeatPenalty: number;
  repeatLastN: number;
  json?: true;
}

const EXAMPLES = `
Sampling applies, in this order: repeat penalty, temperature, top-k, top-p, draw (PCG32 from --seed). At temperature 0
the most likely token is taken, of equals the lowest id.

Examples:
  $ apr run models/sums-2m/sums-2m.q4_k_m.gguf "What is 2+2?"
  $ apr run model.gguf --tokens 1,5,9 --max-tokens 16 --json
  $ apr run model.gguf "Hello" --temperature 0.8 --top-p 0.95 --seed 7
  $ apr run model.gguf "Hello" --max-tokens 2 --trace --layers 0,1`;

export function runCommand(): Command {
  const command = createProgram('run', 'Generates text and says exactly what it ran');
  const model = command.argument('<model>', 'a GGUF file, or a folder with safetensors and config.json');
  return addEngineOptions(addPromptOptions(model))
    .option('-n, --max-tokens <n>', 'end after so many tokens', parsePositiveCount, 128)
    .option('--temperature <t>', '0 takes the most likely token; higher is more random', parseReal('--temperature'), 0)
    .option('--top-k <k>', 'draw from the k most likely tokens only; 0 = all', parseCount, 0)
    .option('--top-p <p>', 'draw from the most likely tokens that reach this probability', parseReal('--top-p'), 1)
    .option('--seed <n>', 'start of the random numbers', parseCount, 299_792_458)
    .option('--repeat-penalty <r>', 'make recent tokens less likely; 1 = off', parseReal('--repeat-penalty'), 1)
    .option('--repeat-last-n <n>', 'how many tokens count as recent', parseCount, 64)
    .option('--trace', 'also show statistics and first values of every stage')
    .option('--trace-steps <n>', 'decode steps that --trace shows after the prompt (default: 1)', parseCount)
    .option('--stages <names>', 'stages that --trace shows (default: all)')
    .option('--layers <list>', 'layers that --trace shows: 0,1,13..15 (default: all)')
    .option('--positions <which>', 'positions of the prompt in --trace: all or last (default: all)')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

/** A number of any kind; its range is checked where its meaning is known. */
function parseReal(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || Number.isNaN(value)) throw usage(flag, JSON.stringify(text), 'a number is needed');
    return value;
  };
}

async function run(path: string, argument: string | undefined, options: RunOptions): Promise<void> {
  const [
    engine,
    { openExecutor },
    { openModelLogged },
    { checkPromptFlags, renderPrompt },
    { runModel, sessionLength },
    output,
    tracing,
    { isHidden },
  ] = await Promise.all([
    import('../../../engine/index.ts'),
    import('../../../executors.ts'),
    import('../open.ts'),
    import('../prompt.ts'),
    import('./model.ts'),
    import('./text.ts'),
    import('./traced-stages.ts'),
    import('../capture-about.ts'),
  ]);
  const { temperature, topK, topP, repeatPenalty, repeatLastN, seed, maxTokens } = options;
  const sampling = { temperature, topK, topP, repeatPenalty, repeatLastN };
  engine.checkSampling(sampling);
  tracing.checkTraceFlags(options);
  checkPromptFlags(argument, options);
  const requested = requestedEngine(options);
  const loadStartMs = performance.now();
  await using model = disposable(await openModelLogged(path));
  const prompt = renderPrompt(model.value, argument, options);
  const { program } = model.value;
  const tracer = options.trace === true ? new tracing.RunTracer(program, options) : null;
  const chosenRope = engine.chosenByLength(program, sessionLength(program, prompt, maxTokens));
  const notices = [...prompt.notices, ...samplingNotices(sampling), ...(chosenRope === null ? [] : [chosenRope])];
  output.printPrompt(prompt, notices);

  const chosen = await openExecutor(
    requested.name,
    program,
    model.value.weights,
    requested.optionsFor(model.value.entryPath),
  );
  await using executor = disposable(chosen.executor);
  tracer?.leaveOut((stage) => isHidden(stage, executor.value));
  const loadMs = performance.now() - loadStartMs;
  const writer = options.json === true ? null : new output.TextWriter();
  const ran = await runModel({
    model: model.value,
    executor: executor.value,
    prompt,
    sampling,
    seed,
    maxTokens,
    tracer,
    writer,
  });
  output.printNotices(ran.notices);
  const report: RunReport = {
    schemaVersion: 1,
    promptIds: prompt.ids,
    ...ran.generation,
    prompt: { source: prompt.source, text: prompt.text },
    sampling: { ...sampling, seed },
    executor: chosen.report,
    model: {
      path,
      sha256: options.json === true ? await model.value.sha256() : '',
      architecture: model.value.config.architecture,
    },
    timings: { loadMs, ...ran.timings },
    notices: [...model.value.notices, ...notices, ...ran.notices],
    ...(tracer === null ? {} : { trace: tracer.runs }),
  };
  if (options.json === true) printJson(report);
  else output.printSummary(report);
}

/** Closes when its block is left, whatever happens in it. */
function disposable<T extends { close(): Promise<void> }>(value: T): { value: T } & AsyncDisposable {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}

function samplingNotices({ temperature, topK, topP }: SamplingOptions): Notice[] {
  if (temperature > 0 || (topK === 0 && topP === 1)) return [];
  const message = 'At temperature 0 the most likely token is taken: --top-k and --top-p change nothing.';
  return [{ severity: 'note', code: 'SAMPLING-UNUSED', message }];
}
