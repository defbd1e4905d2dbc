// `apr run MODEL [PROMPT]`: generates text, greedily unless told otherwise, and says exactly what it ran: prompt ids,
// generated ids, executor, model. The text streams to stdout; everything else goes to stderr, or with --json to JSON.
import type { Command } from 'commander';
import type { Notice } from '../../../engine/index.ts';
import { decimalOption, wholeOption } from '../../options.ts';
import { createProgram, EXIT } from '../../program.ts';
import { printJson } from '../../terminal.ts';
import { addEngineOptions, requestedEngine, type EngineFlags } from '../engine-option.ts';
import { addPromptOptions, type PromptFlags } from '../prompt.ts';
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

const DEFAULT_SEED = 299_792_458;
const DEFAULT_LAST_N = 64;

const EXAMPLES = `
Sampling applies, in this order: repeat penalty, temperature, top-k, top-p, draw (PCG32 from --seed). At temperature 0
the most likely token is taken, of equals the lowest id.

A GPU is held against the CPU before it speaks, once for a model, an adapter and a driver; where it fails, it does not speak (exit
1). SKIP_PARITY_GATE=1 skips this (docs/gpu.md).

Examples:
  $ apr run models/sums-2m/sums-2m.q4_k_m.gguf "What is 2+2?"
  $ apr run model.gguf --tokens 1,5,9 --max-tokens 16 --json
  $ apr run model.gguf "Hello" --temperature 0.8 --top-p 0.95 --seed 7
  $ apr run model.gguf "Hello" --max-tokens 2 --trace --layers 0,1
  $ apr run model.gguf "Hello" --engine webgpu`;

export function runCommand(): Command {
  const command = createProgram('run', 'Generates text and says exactly what it ran');
  const model = command.argument('<model>', 'a GGUF file, or a folder with safetensors and config.json');
  return addEngineOptions(addPromptOptions(model))
    .addOption(wholeOption('-n, --max-tokens <n>', 'end after so many tokens', { from: 1 }).default(128))
    .addOption(decimalOption('--temperature <t>', '0 takes the most likely token; higher is more random').default(0))
    .addOption(wholeOption('--top-k <k>', 'draw from the k most likely tokens only; 0 = all').default(0))
    .addOption(decimalOption('--top-p <p>', 'draw from the most likely tokens that reach this probability').default(1))
    .addOption(wholeOption('--seed <n>', 'start of the random numbers').default(DEFAULT_SEED))
    .addOption(decimalOption('--repeat-penalty <r>', 'make recent tokens less likely; 1 = off').default(1))
    .addOption(wholeOption('--repeat-last-n <n>', 'how many tokens count as recent').default(DEFAULT_LAST_N))
    .option('--trace', 'also show statistics and first values of every stage')
    .addOption(wholeOption('--trace-steps <n>', 'decode steps that --trace shows after the prompt (default: 1)'))
    .option('--stages <names>', 'stages that --trace shows (default: all)')
    .option('--layers <list>', 'layers that --trace shows: 0,1,13..15 (default: all)')
    .option('--positions <which>', 'positions of the prompt in --trace: all or last (default: all)')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(path: string, argument: string | undefined, options: RunOptions): Promise<void> {
  const [
    engine,
    { openExecutor },
    { openModelLogged },
    { checkPromptFlags },
    { renderPrompt },
    { runModel, sessionLength },
    output,
    tracing,
    { isHidden },
    skip,
  ] = await Promise.all([
    import('../../../engine/index.ts'),
    import('../../../executors.ts'),
    import('../open.ts'),
    import('../prompt.ts'),
    import('../render-prompt.ts'),
    import('./model.ts'),
    import('./text.ts'),
    import('./traced-stages.ts'),
    import('../capture-about.ts'),
    import('./skip-gate.ts'),
  ]);
  const { temperature, topK, topP, repeatPenalty, repeatLastN, seed, maxTokens } = options;
  const sampling = { temperature, topK, topP, repeatPenalty, repeatLastN };
  engine.checkSampling(sampling);
  tracing.checkTraceFlags(options);
  checkPromptFlags(argument, options);
  const requested = requestedEngine(options);
  const isGateSkipped = skip.isGateSkipped();
  const loadStartMs = performance.now();
  await using model = disposable(await openModelLogged(path));
  const prompt = renderPrompt(model.value, argument, options);
  const { program } = model.value;
  const tracer = options.trace === true ? new tracing.RunTracer(program, options) : null;
  const chosenRope = engine.chosenByLength(program, sessionLength(program, prompt, maxTokens));
  const notices = [...prompt.notices, ...samplingNotices(options), ...(chosenRope === null ? [] : [chosenRope])];
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
  const gates = executor.value.identity === undefined ? null : await import('./gate.ts');
  const gate = (await gates?.passGate(model.value, executor.value, isGateSkipped)) ?? null;
  const about = {
    schemaVersion: 1,
    promptIds: prompt.ids,
    prompt: { source: prompt.source, text: prompt.text },
    sampling: { ...sampling, seed },
    executor: chosen.report,
    parityGate: gate,
    model: {
      path,
      sha256: options.json === true ? await model.value.sha256() : '',
      architecture: model.value.config.architecture,
    },
  } as const;
  if (gates !== null && gate?.verdict === 'FAIL') {
    output.printRefusal(gates.gateRefusal(executor.value.adapter ?? '', gate));
    if (options.json === true) printJson({ ...about, ...output.NOTHING_SAID, timings: { loadMs }, notices });
    process.exitCode = EXIT.rejected;
    return;
  }
  if (gate !== null) gates?.printGate(gate);
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
    ...about,
    ...ran.generation,
    usage: ran.usage,
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

/** Options that change nothing beside the others. */
function samplingNotices({ temperature, topK, topP, seed, repeatPenalty, repeatLastN }: RunOptions): Notice[] {
  const note = (message: string): Notice => ({ severity: 'note', code: 'SAMPLING-UNUSED', message });
  const unused = [
    topK === 0 ? [] : '--top-k',
    topP === 1 ? [] : '--top-p',
    seed === DEFAULT_SEED ? [] : '--seed',
  ].flat();
  const greedy = `At temperature 0 the most likely token is taken: ${unused.join(', ')} ${unused.length === 1 ? 'changes' : 'change'} nothing.`;
  const penalty = 'A --repeat-penalty of 1 is none: --repeat-last-n changes nothing.';
  return [
    ...(temperature === 0 && unused.length > 0 ? [note(greedy)] : []),
    ...(repeatPenalty === 1 && repeatLastN !== DEFAULT_LAST_N ? [note(penalty)] : []),
  ];
}
