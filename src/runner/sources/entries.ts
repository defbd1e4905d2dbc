// Where the code of a run begins: the falsifier module, and what its parts reached by name instead of by import. Pins,
// the check of compiled kernels and planted faults all start from here.
import { resolve } from 'node:path';
import { PACKAGE_ROOT, TAKES_NONE, type ClosureLimits, type Entry } from './closure.ts';
import { packageModule } from './module-file.ts';
import { SHADER_EXTENSION } from './shader-includes.ts';

export type ProgramName = 'apr' | 'pv';
/** What the harness opens for a falsifier: a model, or an executor by its id. */
export type ProductName = 'model' | `executor:${string}`;

export interface ReachedByName {
  /** `apr diff`, `apr run --engine cpu`; `apr` alone stands for all of its subcommands, and without engine for each. */
  programs: readonly string[];
  /** Absent in receipts from before there was the field. */
  product?: readonly string[];
  /** Shader files that were read, from the root of the package; absent: any may have been. */
  shaders?: readonly string[];
}

/** The engine's one way to a model. */
export const OPEN_MODEL_MODULE: string = packageModule('src/engine/model/open-model.ts');
/** The list of all executors. */
export const EXECUTORS_MODULE: string = packageModule('src/executors.ts');

const ENGINE_FLAG = '--engine';
/** Subcommands that run a model only where an engine is named. */
const RUNS_WHERE_ASKED = new Set(['diff']);

/**
 * What is started, with the subcommand where the arguments begin with one, and the engine where they name it: what stands
 * in `programs`.
 */
export function programText(program: ProgramName, argv: readonly string[]): string {
  const [first = ''] = argv;
  if (!/^[a-z][a-z-]*$/.test(first)) return program;
  const at = argv.indexOf(ENGINE_FLAG);
  const named = at === -1 ? argv.find((flag) => flag.startsWith(`${ENGINE_FLAG}=`))?.split('=')[1] : argv[at + 1];
  // `llama.cpp:zen4` is a build of llama.cpp.
  const asked = argv.includes('--no-gpu') ? 'cpu' : named?.split(':')[0];
  const engine = asked ?? (RUNS_WHERE_ASKED.has(first) ? TAKES_NONE : undefined);
  const isChosen = program === 'apr' && engine !== undefined && engine !== 'auto';
  return `${program} ${first}${isChosen ? ` ${ENGINE_FLAG} ${engine}` : ''}`;
}

/** Whether a program of this text runs on the executor and on no other. */
export function isOnExecutor(text: string, executor: string): boolean {
  return text.endsWith(` ${ENGINE_FLAG} ${executor}`);
}

/** @param module absolute path of the falsifier module; null for a `run:` claim */
export function entriesOf(
  module: string | null,
  { programs, product = [], shaders = [] }: ReachedByName,
): (string | Entry)[] {
  return [
    ...(module === null ? [] : [module]),
    ...programs.flatMap(programEntries),
    ...product.map((name) =>
      name === 'model' ? OPEN_MODEL_MODULE : entry(EXECUTORS_MODULE, [EXECUTORS_MODULE, name.replace('executor:', '')]),
    ),
    ...shaders.map((name) => resolve(PACKAGE_ROOT, name)),
  ];
}

/**
 * What a run on this executor did not reach: shaders that it did not read, and modules `x.webgpu.ts`, which hold what is
 * about one executor alone and are loaded where it is that.
 */
export function limitsOf(executor: string, { shaders }: ReachedByName): Required<Pick<ClosureLimits, 'isLeftOut'>> {
  const read = shaders === undefined ? null : new Set(shaders.map((name) => resolve(PACKAGE_ROOT, name)));
  return {
    isLeftOut(path) {
      if (path.endsWith(SHADER_EXTENSION)) return read?.has(path) === false;
      const about = /\.(cpu|webgpu)\.[jt]s$/.exec(path)?.[1];
      return about !== undefined && about !== executor;
    },
  };
}

function entry(module: string, ...taken: readonly [module: string, taken: string][]): Entry {
  return { module, takes: new Map(taken) };
}

/** The launcher and the program's own module: the launcher computes the name of that one, so no scanner sees it. */
function programEntries(text: string): (string | Entry)[] {
  const [program = '', command, , engine] = text.split(' ');
  const module = packageModule(`src/cli/${program}.ts`);
  const taken: [string, string][] = command === undefined ? [] : [[module, command]];
  if (engine !== undefined) taken.push([EXECUTORS_MODULE, engine]);
  return [resolve(PACKAGE_ROOT, `bin/${program}.js`), entry(module, ...taken)];
}
