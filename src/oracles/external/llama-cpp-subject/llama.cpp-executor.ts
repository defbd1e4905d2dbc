// llama.cpp behind the seam of executors: the program that this project runs is looked for in the graph that llama.cpp
// builds of the same file, and what is found can be tapped. It runs in a process of its own (child-process.ts) and reads
// the file itself: of our weights nothing but their types is used.
import { open } from 'node:fs/promises';
import { RefuteError } from '../../../errors.ts';
import type { Executor, OpenOptions, Session, WeightSource } from '../../../engine/program/executor.ts';
import type { SubjectOptions } from '../../../engine/program/executor.ts';
import { LLAMA_CPP_WIDE } from '../../../engine/program/llama-cpp-activations.ts';
import { UNDECLARED, type InferredPart, type NumericProfile } from '../../../engine/program/numeric-profile.ts';
import { operands, type Program, type ValueId } from '../../../engine/program/program.ts';
import { OpenSessions } from '../../../engine/program/session-guard.ts';
import { LlamaCppChild, type ChildOptions } from './child-process.ts';
import { programInGraph } from './graph-forms.ts';
import { LlamaCppSession } from './llama-cpp-session.ts';
import type { Answer, OpenRequest } from './messages.ts';
import { findPackageBuild, type PackageBuild } from './package-build.ts';

/** As many as llama.cpp itself takes. */
const CHUNK_POSITIONS = 512;

/** Its threads spin while they wait for each other: on a busy machine one is faster than several. */
const DEFAULTS = { flashAttention: 'auto', kvCache: 'f16', threads: 1 } as const;

export async function probeLlamaCpp(): Promise<{ adapter: string } | { absent: string }> {
  const build = findPackageBuild();
  return 'absent' in build ? build : { adapter: `llama.cpp ${build.release}` };
}

/**
 * @throws RefuteError (all decline) E_SUBJECT_ABSENT, E_SUBJECT_FILE where the weights are not one GGUF file,
 *   E_SUBJECT_BUILD, E_SUBJECT_VARIANT, E_SUBJECT_MODEL, E_SUBJECT_PROGRAM; E_SUBJECT_DIED
 */
export async function openLlamaCppExecutor(
  program: Program,
  weights: WeightSource,
  { subject, chunkPositions = CHUNK_POSITIONS }: OpenOptions = {},
  childOptions: ChildOptions = {},
): Promise<LlamaCppExecutor> {
  const started = await startChild(program, subject, childOptions);
  return new LlamaCppExecutor({ program, weights, chunkPositions, ...started });
}

/** Milliseconds of one run over all of a prompt, and of each token after it. */
export interface RunTimes {
  prefillMs: number;
  decodeMs: readonly number[];
}

/** llama.cpp with nothing watched, timed in its own process; what it computes is not looked at. */
interface LlamaCppTimer {
  /** Release, CPU build, options. */
  readonly name: string;
  time(tokens: readonly number[], decoded: readonly number[]): Promise<RunTimes>;
  close(): Promise<void>;
}

/** @throws as `openLlamaCppExecutor` */
export async function openLlamaCppTimer(
  program: Program,
  subject: SubjectOptions,
  signal: AbortSignal,
): Promise<LlamaCppTimer> {
  const { child, ...started } = await startChild(program, subject, {});
  return {
    name: nameOf(started),
    async time(tokens, decoded) {
      const payload = await child.ask({ type: 'time', tokens, decoded }, () => undefined, signal);
      const [prefillMs = Number.NaN, ...decodeMs] = new Float32Array(Uint8Array.from(payload).buffer);
      return { prefillMs, decodeMs };
    },
    close: () => child.close(),
  };
}

type Started = Pick<ExecutorParts, 'child' | 'build' | 'options' | 'opened'>;

async function startChild(
  program: Program,
  subject: SubjectOptions | undefined,
  childOptions: ChildOptions,
): Promise<Started> {
  const build = findPackageBuild();
  if ('absent' in build) {
    throw new RefuteError({ code: 'E_SUBJECT_ABSENT', place: 'llama.cpp', is: build.absent }, 2);
  }
  const options = await fileOptions(subject);
  const child = new LlamaCppChild(childOptions);
  try {
    const opened = await askToOpen(child, openRequest(build, program, options));
    assertSameGraph(program, opened, options.modelPath);
    return { child, build, options, opened };
  } catch (error) {
    await child.close();
    throw error;
  }
}

function nameOf({ build, options: { kvCache, threads }, opened }: Omit<Started, 'child'>): string {
  const attention = `flash attention ${opened.usesFlashAttention ? 'on' : 'off'}`;
  const cache = `kv ${kvCache}${opened.turnsCache ? ', turned' : ''}`;
  const parts = [`llama.cpp ${build.release}`, `cpu ${opened.variant}`, attention, cache];
  return [...parts, ...(threads === 1 ? [] : [`${threads} threads`])].join(', ');
}

type Options = Required<Omit<SubjectOptions, 'variant'>> & { variant: string | null };
type Opened = Extract<Answer, { type: 'opened' }>;

async function fileOptions(subject: SubjectOptions | undefined): Promise<Options> {
  const path = subject?.modelPath ?? '';
  if (subject === undefined || !(await isGguf(path))) {
    const is = subject === undefined ? 'these weights are of no file' : 'this is not one GGUF file';
    const place = path === '' ? 'llama.cpp' : path;
    throw new RefuteError({ code: 'E_SUBJECT_FILE', place, is, allowed: 'llama.cpp runs GGUF files' }, 2);
  }
  const { variant = null, ...rest } = subject;
  return { ...DEFAULTS, ...rest, variant };
}

async function isGguf(path: string): Promise<boolean> {
  const file = await open(path).catch(() => null);
  if (file === null) return false;
  try {
    const { buffer } = await file.read(new Uint8Array(4), 0, 4, 0);
    return new TextDecoder().decode(buffer) === 'GGUF';
  } catch {
    // A folder is opened, but not read.
    return false;
  } finally {
    await file.close();
  }
}

function openRequest(build: PackageBuild, program: Program, options: Options): OpenRequest {
  const { architecture, vocabSize } = program;
  return { type: 'open', build, ...options, architecture, vocabSize, ...programInGraph(program) };
}

async function askToOpen(child: LlamaCppChild, request: OpenRequest): Promise<Opened> {
  let opened: Opened | null = null;
  await child.ask(request, ({ head }) => {
    if (head.type === 'opened') opened = head;
  });
  if (opened === null) throw new RangeError('the child did not say what it has opened');
  return opened;
}

/** Logits are computed from everything else: where the graph has them, it has the program. */
function assertSameGraph({ values, logits }: Program, { shown }: Opened, modelPath: string): void {
  if (shown.includes(logits)) return;
  const first = values.find(({ id }) => !shown.includes(id))?.id ?? logits;
  const is = `what llama.cpp computes of it is another program: its graph has no ${logits}, and first no ${first}`;
  throw new RefuteError({ code: 'E_SUBJECT_PROGRAM', place: modelPath, is }, 2);
}

interface ExecutorParts {
  program: Program;
  weights: WeightSource;
  child: LlamaCppChild;
  build: PackageBuild;
  options: Options;
  opened: Opened;
  chunkPositions: number;
}

export class LlamaCppExecutor implements Executor {
  readonly id = 'llama.cpp';
  readonly adapter: string;
  readonly program: Program;
  readonly profile: NumericProfile;
  /** Both go by the processor and its build. */
  readonly undeclared: readonly InferredPart[] = ['activations', 'attention'];
  readonly hidden: ReadonlySet<ValueId>;
  readonly versions: Readonly<Record<string, string>>;
  readonly #child: LlamaCppChild;
  readonly #sessions: OpenSessions<LlamaCppChild, LlamaCppSession>;
  readonly #chunkPositions: number;
  #sessionCount = 0;
  #closing: Promise<void> | null = null;

  constructor({ program, weights, child, build, options, opened, chunkPositions }: ExecutorParts) {
    const { kvCache } = options;
    const { usesFlashAttention, commit, shown } = opened;
    this.adapter = nameOf({ build, options, opened });
    this.versions = { 'llama.cpp': `${build.release} (${commit})`, 'node-llama-cpp': build.packageVersion };
    this.program = program;
    const types = new Set<string | undefined>(program.weights.map(({ name }) => weights.info(name)?.type));
    this.profile = {
      ...UNDECLARED,
      activations: Object.fromEntries(Object.entries(LLAMA_CPP_WIDE).filter(([type]) => types.has(type))),
      // Flash attention reads a float32 cache through a copy in float16.
      kvCache: usesFlashAttention && kvCache === 'f32' ? 'f16' : kvCache,
      gelu: 'f16-table',
      chunkPositions,
    };
    const found = new Set(shown);
    this.hidden = new Set(program.values.flatMap(({ id }) => (found.has(id) ? [] : [id])));
    this.#child = child;
    this.#sessions = new OpenSessions('llama.cpp', program, child);
    this.#chunkPositions = chunkPositions;
  }

  /** The process that it runs in. For tests. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @throws RefuteError E_SUBJECT_FREQUENCIES (declined) where it would rotate by other factors than the program */
  async openSession(contextLength: number): Promise<Session> {
    const session = this.#sessions.open(contextLength, (child, guard) => {
      assertSameFrequencies(this.program, contextLength);
      const number = this.#sessionCount;
      this.#sessionCount += 1;
      return new LlamaCppSession(child, guard, { number, chunkPositions: this.#chunkPositions, hidden: this.hidden });
    });
    await session.begin();
    return session;
  }

  async close(): Promise<void> {
    this.#sessions.close();
    this.#closing ??= this.#child.close();
    await this.#closing;
  }
}

/** llama.cpp rounds a context up to a whole number of these. */
const CONTEXT_STEP = 256;

/** Factors that go by the length of the session: it must lie on the same side of the limit for both. */
function assertSameFrequencies({ ops }: Program, contextLength: number): void {
  const theirs = Math.ceil(contextLength / CONTEXT_STEP) * CONTEXT_STEP;
  for (const op of ops) {
    if (op.op !== 'rope' || op.rope.scaling.type !== 'longrope') continue;
    const { originalContextLength } = op.rope.scaling;
    if (contextLength > originalContextLength === theirs > originalContextLength) continue;
    const is = `for ${contextLength} positions it opens ${theirs} and takes the long rope factors, the program the short ones`;
    const allowed = `sessions of more than ${originalContextLength} positions have the same`;
    throw new RefuteError(
      { code: 'E_SUBJECT_FREQUENCIES', place: `llama.cpp, ${operands(op).writes}`, is, allowed },
      2,
    );
  }
}
