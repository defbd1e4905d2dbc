// `apr bench MODEL`: how fast a model is read and answered, beside what the machine allows and beside llama.cpp on the same file
// and tokens. Ratios are of one run; a figure from another day is another machine's.
import { cpus, availableParallelism } from 'node:os';
import { Option, type Command } from 'commander';
import type { OpTime } from '../../../engine/cpu/measure.ts';
import type { Model } from '../../../engine/index.ts';
import { interruptSignal } from '../../interrupt.ts';
import { wholeOption } from '../../options.ts';
import { createProgram } from '../../program.ts';
import { printJson, Progress } from '../../terminal.ts';
import { usage } from '../prompt.ts';
import type { EngineSpeed, TimedEngine } from './measure.ts';

interface BenchOptions {
  engine: string;
  adapter?: string;
  compare?: 'llama.cpp';
  threads?: number;
  promptTokens: number;
  decodeTokens: number;
  rounds: number;
  ops?: true;
  json?: true;
}

const EXAMPLES = `
Tokens per second of a prompt in one run (prefill) and of tokens one by one after it (decode), of the fastest run and of the
middle one. Ratios are ours over theirs: above 1 is faster. llama.cpp is timed in its own process, by its own clock.

Examples:
  $ apr bench models/sums-2m/sums-2m.q4_k_m.gguf --prompt-tokens 64
  $ apr bench models/sums-2m/sums-2m.q4_k_m.gguf --prompt-tokens 64 --compare llama.cpp --json
  $ apr bench model.gguf --compare llama.cpp --threads 4 --ops`;

export function benchCommand(): Command {
  return createProgram('bench', 'Measures prefill and decode, beside the memory of the machine and beside llama.cpp')
    .argument('<model>', 'a GGUF file, or a folder with safetensors and config.json')
    .addOption(new Option('--engine <name>', 'what is measured').choices(['cpu', 'webgpu', 'float64']).default('cpu'))
    .option('--adapter <name>', "part of a GPU adapter's name, with --engine webgpu")
    .addOption(new Option('--compare <engine>', 'measure it too, in turns').choices(['llama.cpp']))
    .addOption(wholeOption('--threads <n>', 'of llama.cpp (default: one for each core)', { from: 1, to: 512 }))
    .addOption(wholeOption('--prompt-tokens <n>', 'tokens of the prompt', { from: 1 }).default(256))
    .addOption(wholeOption('--decode-tokens <n>', 'tokens after it', { from: 1 }).default(32))
    .addOption(wholeOption('--rounds <n>', 'how often each engine is measured', { from: 1 }).default(3))
    .option('--ops', 'also where the time of a token goes, op by op (the CPU engine)')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(bench);
}

/** What `--json` prints and text.ts shows. */
export interface BenchReport {
  schemaVersion: 1;
  model: { path: string; architecture: string; types: string; byteLength: number };
  machine: { processor: string; cores: number; node: string };
  promptTokens: number;
  decodeTokens: number;
  rounds: number;
  engines: EngineSpeed[];
  /** Ours over theirs, of the fastest runs; null where nobody is compared. */
  ratios: { decode: number; prefill: number } | null;
  medianRatios: { decode: number; prefill: number } | null;
  /** Of weights, that a decoded token reads, and per second at the fastest. */
  weights: { bytesPerToken: number; bytesPerSecond: number };
  /** Plain reading by one thread in WebAssembly, in the same run; null for an engine that reads other memory. */
  readBytesPerSecond: number | null;
  memory: { peakBytes: number };
  /** Of one token after the prompt; null unless asked for. */
  ops: OpTime[] | null;
}

async function bench(path: string, options: BenchOptions): Promise<void> {
  const { compare, threads, engine: engineName, adapter, ops: wantsOps } = options;
  if (threads !== undefined && compare === undefined) {
    throw usage('--threads', 'nothing is compared', 'it goes with --compare llama.cpp');
  }
  if (adapter !== undefined && engineName !== 'webgpu') {
    throw usage('--adapter', `the engine is ${engineName}`, 'it goes with --engine webgpu');
  }
  if (wantsOps === true && engineName !== 'cpu') {
    throw usage('--ops', `the engine is ${engineName}`, 'it goes with --engine cpu');
  }
  const { openModelLogged } = await import('../open.ts');
  const model = await openModelLogged(path);
  const progress = new Progress();
  try {
    const report = await measured(model, options, progress);
    progress.clear();
    if (options.json === true) printJson(report);
    else (await import('./text.ts')).printBench(report);
  } finally {
    progress.clear();
    await model.close();
  }
}

async function measured(model: Model, options: BenchOptions, progress: Progress): Promise<BenchReport> {
  const [{ measure, timedExecutor, weightBytesOf, benchTokens }, cpu, { openExecutor }] = await Promise.all([
    import('./measure.ts'),
    import('../../../engine/cpu/measure.ts'),
    import('../../../executors.ts'),
  ]);
  const { program, weights, path } = model;
  const { promptTokens: promptCount, decodeTokens: decodeCount, rounds: roundCount } = options;
  const contextLength = promptCount + decodeCount;
  const signal = interruptSignal();
  progress.update('loading');
  const { executor, report } = await openExecutor(
    options.engine,
    program,
    weights,
    options.adapter === undefined ? {} : { adapter: options.adapter },
  );
  const own = report.adapter === null ? report.ran : `${report.ran} on ${report.adapter}`;
  let theirs: Awaited<ReturnType<typeof llamaCpp>> | null = null;
  let engines: EngineSpeed[];
  try {
    if (options.compare !== undefined) theirs = await llamaCpp(model, signal, options.threads);
    const timed: TimedEngine[] = [await timedExecutor(own, executor, contextLength, signal)];
    if (theirs !== null) timed.push(theirs);
    const onRound = (round: number, name: string): void =>
      progress.update(round === 0 ? `warming up ${name}` : `round ${round}/${roundCount} ${name}`);
    engines = await measure(timed, program, { promptCount, decodeCount, roundCount, onRound });
  } finally {
    await theirs?.close();
    await executor.close();
  }
  // Before anything else takes memory.
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  progress.update('reading memory');
  const readBytesPerSecond = report.ran === 'cpu' ? await cpu.measureReadBandwidth() : null;
  const [ours, other] = engines;
  const widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  const bytesPerToken = weightBytesOf(
    program,
    (name) => weights.info(name),
    ({ experts }) => widths.get(experts) ?? 0,
  );
  let ops: OpTime[] | null = null;
  if (options.ops === true) {
    progress.update('op by op');
    const profiler = await cpu.OpProfiler.open(program, weights, contextLength);
    ops = profiler.times(benchTokens(program, 1), promptCount, OP_PASSES);
  }
  const ratiosBy = (figure: 'best' | 'median'): BenchReport['ratios'] =>
    ours === undefined || other === undefined
      ? null
      : {
          decode: ours.decode[figure] / other.decode[figure],
          prefill: ours.prefill[figure] / other.prefill[figure],
        };
  return {
    schemaVersion: 1,
    model: {
      path,
      architecture: model.config.architecture,
      types: typesOf(model),
      byteLength: model.tensors.reduce((sum, { byteLength }) => sum + (byteLength ?? 0), 0),
    },
    machine: { processor: cpus()[0]?.model.trim() ?? '', cores: availableParallelism(), node: process.versions.node },
    promptTokens: promptCount,
    decodeTokens: decodeCount,
    rounds: roundCount,
    engines,
    ratios: ratiosBy('best'),
    medianRatios: ratiosBy('median'),
    weights: { bytesPerToken, bytesPerSecond: bytesPerToken * (ours?.decode.best ?? Number.NaN) },
    readBytesPerSecond,
    memory: { peakBytes },
    ops,
  };
}

const OP_PASSES = 10;

async function llamaCpp(
  { program, entryPath }: Model,
  signal: AbortSignal,
  threads = availableParallelism(),
): Promise<TimedEngine & { close(): Promise<void> }> {
  const { openLlamaCppTimer } = await import('../../../oracles/external/index.ts');
  return openLlamaCppTimer(program, { modelPath: entryPath, threads }, signal);
}

/** Types of the matrices, the most bytes first. */
function typesOf({ program, weights }: Model): string {
  const bytes = new Map<string, number>();
  for (const { name, shape } of program.weights) {
    const info = weights.info(name);
    if (info === undefined || shape.length < 2) continue;
    bytes.set(info.type, (bytes.get(info.type) ?? 0) + info.byteLength);
  }
  return [...bytes]
    .toSorted((a, b) => b[1] - a[1])
    .map(([type]) => type)
    .join(', ');
}
