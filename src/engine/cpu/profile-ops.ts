// Where the time of a run goes, op by op: the steps of a session, timed one after the other in the order of a run, so that no
// op finds its weights in the cache from its own last time.
import type { WeightSource } from '../program/executor.ts';
import type { Program } from '../program/program.ts';
import { CPU_PROFILE } from './cpu-profile.ts';
import { MAX_MEMORY_BYTES } from './kernels/kernel-memory.ts';
import { loadProgram, type LoadedProgram } from './load-program.ts';
import { Workspace } from './workspace.ts';

export interface OpTime {
  /** `attention`; of a product its weights' type, too: `matmul q4_k`. */
  name: string;
  /** Of all such ops in one run. */
  ms: number;
}

export class OpProfiler {
  readonly program: Program;
  readonly #loaded: LoadedProgram;
  readonly #workspace: Workspace;

  private constructor(loaded: LoadedProgram, contextLength: number) {
    this.program = loaded.program;
    this.#loaded = loaded;
    this.#workspace = new Workspace(loaded, contextLength);
  }

  /** Holds the weights once more: close the executor before. */
  static async open(program: Program, weights: WeightSource, contextLength: number): Promise<OpProfiler> {
    const limits = { bankByteLimit: MAX_MEMORY_BYTES, chunkPositions: CPU_PROFILE.chunkPositions };
    return new OpProfiler(await loadProgram(program, weights, limits), contextLength);
  }

  /** The slowest first. Each op's fastest of several passes, which is its time on an undisturbed machine. */
  times(tokens: readonly number[], firstPosition: number, passCount: number): OpTime[] {
    const { steps, chunk } = this.#workspace;
    chunk.tokens = tokens;
    chunk.firstToken = 0;
    chunk.firstPosition = firstPosition;
    this.#workspace.fillRopeTables(tokens.length);
    const fastest = steps.map(() => Infinity);
    for (let pass = 0; pass <= passCount; pass += 1) {
      for (const [i, step] of steps.entries()) {
        const startMs = performance.now();
        step.run(0, tokens.length);
        fastest[i] = Math.min(fastest[i] ?? Infinity, performance.now() - startMs);
      }
    }
    const byName = new Map<string, number>();
    for (const [i, { opIndex }] of steps.entries()) {
      const op = this.program.ops[opIndex];
      if (op === undefined) continue;
      const isProduct = op.op === 'matmul' || op.op === 'expertMatmul';
      const name = isProduct ? `${op.op} ${this.#loaded.infoOf(op.weight).type}` : op.op;
      byName.set(name, (byName.get(name) ?? 0) + (fastest[i] ?? Number.NaN));
    }
    return [...byName].map(([name, ms]) => ({ name, ms })).toSorted((a, b) => b.ms - a.ms);
  }
}
