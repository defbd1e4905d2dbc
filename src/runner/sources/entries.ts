// Where the code of a run begins: the falsifier module, and what its parts reached by name instead of by import. Pins,
// the check of compiled kernels and planted faults all start from here.
import { resolve } from 'node:path';
import { PACKAGE_ROOT, type Fork } from './closure.ts';
import { packageModule } from './module-file.ts';

export type ProgramName = 'apr' | 'pv';
/** What the harness opens for a falsifier: a model, or an executor by its id. */
export type ProductName = 'model' | `executor:${string}`;

export interface ReachedByName {
  /** `apr diff`; `apr` alone stands for all of its subcommands. */
  programs: readonly string[];
  /** Absent in receipts from before there was the field. */
  product?: readonly string[];
}

/** The engine's one way to a model. */
export const OPEN_MODEL_MODULE: string = packageModule('src/engine/model/open-model.ts');
/** The list of all executors. */
export const EXECUTORS_MODULE: string = packageModule('src/executors.ts');

/** What is started, with the subcommand where the arguments begin with one: what stands in `programs`. */
export function programText(program: ProgramName, argv: readonly string[]): string {
  const [first = ''] = argv;
  return /^[a-z][a-z-]*$/.test(first) ? `${program} ${first}` : program;
}

/** @param module absolute path of the falsifier module; null for a `run:` claim */
export function entriesOf(module: string | null, { programs, product = [] }: ReachedByName): (string | Fork)[] {
  return [
    ...(module === null ? [] : [module]),
    ...programs.flatMap(programEntries),
    ...product.map((name) =>
      name === 'model' ? OPEN_MODEL_MODULE : { module: EXECUTORS_MODULE, takes: name.replace('executor:', '') },
    ),
  ];
}

/** The launcher and the program's own module: the launcher computes the name of that one, so no scanner sees it. */
function programEntries(text: string): (string | Fork)[] {
  const [program = '', command] = text.split(' ');
  const module = packageModule(`src/cli/${program}.ts`);
  return [resolve(PACKAGE_ROOT, `bin/${program}.js`), command === undefined ? module : { module, takes: command }];
}
