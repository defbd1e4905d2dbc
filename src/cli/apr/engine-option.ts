// `--engine` and what goes with it: which executor a command runs on, the same flags with the same meaning everywhere.
import { Option, type Command } from 'commander';
import type { OpenOptions } from '../../engine/index.ts';
import { EXECUTORS, executorNamed, type ExecutorReport } from '../../executors.ts';
import { interruptSignal } from '../interrupt.ts';
import { wholeOption } from '../options.ts';
import { usage } from './prompt.ts';

const SUBJECT = 'llama.cpp';
const GPU = 'webgpu';
const FLASH_ATTENTION = ['on', 'off', 'auto'] as const;
/** As many as ggml can have. */
const MAX_THREADS = 512;
const KV_TYPES = ['f32', 'f16', 'bf16', 'q8_0'] as const;

export interface EngineFlags {
  engine?: string;
  /** False with --no-gpu. */
  gpu: boolean;
  flashAttention?: (typeof FLASH_ATTENTION)[number];
  threads?: number;
  kvType?: (typeof KV_TYPES)[number];
  adapter?: string;
}

/** What to ask `openExecutor` for. */
export interface RequestedEngine {
  name: string;
  optionsFor: (modelPath: string) => OpenOptions;
}

export function addEngineOptions(command: Command): Command {
  const names = ['auto', ...EXECUTORS.map(({ id }) => id)].join(', ');
  const only = `with --engine ${SUBJECT}`;
  return command
    .option(
      '--engine <name>',
      `what runs the model: ${names} (default: auto, a real GPU or else the CPU); ${SUBJECT}:<build> is one CPU build of it`,
    )
    .option('--no-gpu', 'run on the CPU: --engine cpu')
    .option('--adapter <name>', `part of a GPU adapter's name, with --engine ${GPU}; swiftshader is one in software`)
    .addOption(new Option('--flash-attention <when>', `${only} (default: auto)`).choices(FLASH_ATTENTION))
    .addOption(wholeOption('--threads <n>', `${only} (default: 1)`, { from: 1, to: MAX_THREADS }))
    .addOption(new Option('--kv-type <type>', `type of the cache, ${only} (default: f16)`).choices(KV_TYPES));
}

/**
 * @throws RefuteError E_ENGINE where there is no such engine, E_USAGE where flags contradict each other or belong to
 * another engine
 */
export function requestedEngine({
  engine,
  gpu,
  adapter,
  flashAttention,
  threads,
  kvType,
}: EngineFlags): RequestedEngine {
  if (!gpu && engine !== undefined && engine !== 'cpu') {
    throw usage('--no-gpu', `--engine ${engine} is given too`, 'it is another way to say --engine cpu');
  }
  const [name, variant] = splitOnce(gpu ? (engine ?? 'auto') : 'cpu');
  if (name !== 'auto') executorNamed(name);
  const own = { '--flash-attention': flashAttention, '--threads': threads, '--kv-type': kvType };
  const [misplaced] = Object.entries(own).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
  if (name !== SUBJECT && misplaced !== undefined) {
    throw usage(misplaced, `the engine is ${name}`, `it goes with --engine ${SUBJECT}`);
  }
  if (name !== GPU && adapter !== undefined) {
    throw usage('--adapter', `the engine is ${name}`, `it goes with --engine ${GPU}`);
  }
  if (name !== SUBJECT && variant !== null) throw usage('--engine', `${name} has no builds`, `${SUBJECT} has`);
  const subject = {
    ...(variant === null ? {} : { variant }),
    ...(flashAttention === undefined ? {} : { flashAttention }),
    ...(threads === undefined ? {} : { threads }),
    ...(kvType === undefined ? {} : { kvCache: kvType }),
  };
  const optionsFor = (modelPath: string): OpenOptions => {
    if (name === SUBJECT) return { subject: { modelPath, ...subject } };
    if (name !== GPU) return {};
    return { signal: interruptSignal(), ...(adapter === undefined ? {} : { adapter }) };
  };
  return { name, optionsFor };
}

/** `llama.cpp:zen4`; null: there is no colon. */
function splitOnce(text: string): [name: string, rest: string | null] {
  const at = text.indexOf(':');
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

/** What ran, on what, and why it did: `cpu (asked for)`, `webgpu on NAME (auto is webgpu)`. */
export function ranText({ ran, adapter, why }: ExecutorReport): string {
  return `${ran}${adapter === null ? '' : ` on ${adapter}`} (${why})`;
}
