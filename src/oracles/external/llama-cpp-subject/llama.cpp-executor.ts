// llama.cpp behind the seam of executors: the program that this project runs is looked for in the graph that llama.cpp
// builds of the same file, and what is found can be tapped. It runs in a process of its own (child-process.ts) and reads
// the file itself: of our weights nothing but their types is used.
import { RefuteError } from '../../../errors.ts';
import type { Executor, OpenOptions, Session, WeightSource } from '../../../engine/program/executor.ts';
import { LLAMA_CPP_WIDE } from '../../../engine/program/llama-cpp-activations.ts';
import { UNDECLARED, type InferredPart, type NumericProfile } from '../../../engine/program/numeric-profile.ts';
import { operands, type Program, type ValueId } from '../../../engine/program/program.ts';
import { OpenSessions } from '../../../engine/program/session-guard.ts';
import type { ChildOptions, LlamaCppChild } from './child-process.ts';
import { LlamaCppSession } from './llama-cpp-session.ts';
import { findPackageBuild } from './package-build.ts';
import { nameOf, startChild, type Started } from './start-child.ts';

/** As many as llama.cpp itself takes. */
const CHUNK_POSITIONS = 512;

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

interface ExecutorParts extends Started {
  program: Program;
  weights: WeightSource;
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
