// `pv validate` without its output: finds the files, reads them and those that they refer to, applies the rules.
// A file that cannot be read is reported; the other files are checked all the same.
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { RefuteError } from '../../errors.ts';
import { compareDiagnostics, compareText, countDiagnostics, type Diagnostic } from './diagnostic.ts';
import { falsifierReader } from './falsifier-text.ts';
import { findContractFiles, listContractFiles, readContractFile } from './load-contract.ts';
import { diagnosticAt } from './file-diagnostics.ts';
import type { Contract } from './model.ts';
import { parseFileName } from './parse-contract.ts';
import { projectRootOf } from './project-root.ts';
import { claimsLevel, type DeriveLevel } from './rules/level-rules.ts';
import { validateContracts, validateLevels, type Validation } from './validate-contracts.ts';

export interface PathValidation extends Validation {
  fileCount: number;
  unreadableCount: number;
  /** YAML files that are not contracts, and what they are instead. */
  skipped: { path: string; what: string }[];
}

/** Works out the levels of a project's claims; `contracts` are all of that project that can be seen. */
type LevelSource = (projectRoot: string, contracts: readonly Contract[]) => Promise<DeriveLevel>;

export interface ValidatePathsOptions {
  /** Asked only where a contract claims a level. Absent: typed levels are not compared with anything. */
  levels?: LevelSource;
}

export async function validatePaths(
  paths: readonly string[],
  options: ValidatePathsOptions = {},
): Promise<PathValidation> {
  const files = selectedFiles(paths);
  const selection = new Selection(files);
  const validation = validateContracts({
    contracts: selection.contracts(),
    context: contextOf(files).map(asTarget),
    falsifierText: falsifierReader(),
  });
  const diagnostics = [...validation.diagnostics, ...selection.unreadable, ...selection.unread];
  if (options.levels !== undefined)
    diagnostics.push(...(await levelDiagnostics(selection.claiming, files, options.levels)));
  return {
    ...validation,
    diagnostics: diagnostics.toSorted(compareDiagnostics),
    counts: countDiagnostics(diagnostics),
    fileCount: files.length,
    unreadableCount: selection.unreadableCount,
    skipped: selection.skipped,
  };
}

const OTHER_ARTIFACTS: ReadonlySet<string> = new Set(['a binding registry', 'a publish manifest']);

/** Reads the selected files one after the other and keeps a list of those that are not contracts. */
class Selection {
  readonly unreadable: Diagnostic[] = [];
  /** Of files that are named like contracts. */
  readonly unread: Diagnostic[] = [];
  unreadableCount = 0;
  readonly skipped: PathValidation['skipped'] = [];
  /** Contracts in which a level is claimed. */
  readonly claiming: Contract[] = [];
  readonly #files: readonly string[];

  constructor(files: readonly string[]) {
    this.#files = files;
  }

  /** Another file may lie among contracts; one that is named like them was one, or was meant to be. */
  #skip(path: string, what: string): void {
    this.skipped.push({ path, what });
    if (parseFileName(path).fileVersion === undefined || OTHER_ARTIFACTS.has(what)) return;
    const message = `${basename(path)} is named like a contract and is ${what}; nothing in it is read`;
    this.unread.push(diagnosticAt('PV-024', message, { file: path, line: 1, column: 1 }));
  }

  *contracts(): Generator<Contract, void, undefined> {
    for (const file of this.#files) {
      const reading = readContractFile(file);
      if (reading.kind === 'other') {
        this.#skip(reading.path, reading.what);
      } else if (reading.kind === 'unreadable') {
        this.unreadable.push(...reading.diagnostics);
        this.unreadableCount += 1;
      } else {
        const { contract } = reading;
        if (contract.claims.some((claim) => claimsLevel(claim.declaredLevel))) this.claiming.push(contract);
        yield contract;
      }
    }
  }
}

/** Evidence is read only for projects in which a level is claimed: it costs more than the contracts. */
async function levelDiagnostics(
  claiming: readonly Contract[],
  files: readonly string[],
  levels: LevelSource,
): Promise<Diagnostic[]> {
  const found: Diagnostic[] = [];
  const isClaiming = new Set(claiming.map(({ path }) => path));
  for (const root of new Set(claiming.map(({ path }) => projectRootOf(path)))) {
    const isOfProject = ({ path }: Contract): boolean => projectRootOf(path) === root;
    const judged = claiming.filter(isOfProject);
    // Levels are looked up by object, so `judged` must stay the same; the others were not kept, and are read again.
    const others = [...readable(files.filter((file) => !isClaiming.has(file))), ...contextOf(files)].filter(
      isOfProject,
    );
    found.push(...validateLevels(judged, await levels(root, [...judged, ...others])));
  }
  return found;
}

/** Files at or below the paths, each once, however often it was named. */
function selectedFiles(paths: readonly string[]): string[] {
  const byPath = new Map<string, string>();
  for (const file of paths.flatMap(findContractFiles)) {
    const path = resolve(file);
    if (!byPath.has(path)) byPath.set(path, file);
  }
  return [...byPath.values()].toSorted(compareText);
}

/** Outside of contracts/ a file beside the selected ones can be depended on, and its ids are its own affair. */
function asTarget(contract: Contract): Contract {
  const isOfCorpus = dirname(resolve(contract.path)).split(sep).includes('contracts');
  return isOfCorpus ? contract : { ...contract, claims: [], retired: [] };
}

/** Contracts that were not selected, from the same folder contracts/ or, outside of one, from the same folder. */
function* contextOf(selected: readonly string[]): Generator<Contract, void, undefined> {
  const isSelected = new Set(selected.map((file) => resolve(file)));
  const folders = new Set([...isSelected].map(dirname));
  const visible = new Set([...folders].flatMap(visibleFrom));
  yield* readable([...visible].filter((file) => !isSelected.has(file)).map((file) => relative(process.cwd(), file)));
}

function visibleFrom(folder: string): string[] {
  for (let at = folder; ; at = dirname(at)) {
    if (basename(at) === 'contracts') return ifReadable(() => findContractFiles(at)) ?? [];
    if (dirname(at) === at)
      return (ifReadable(() => listContractFiles(folder)) ?? []).map((name) => join(folder, name));
  }
}

/** Files that cannot be read are left out: they were not selected, so they are not reported. */
function* readable(files: readonly string[]): Generator<Contract, void, undefined> {
  for (const file of files) {
    const reading = ifReadable(() => readContractFile(file));
    if (reading?.kind === 'contract') yield reading.contract;
  }
}

function ifReadable<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RefuteError) return undefined;
    throw error;
  }
}
