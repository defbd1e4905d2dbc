// `pv validate` without its output: which files are meant, which others can be seen from them, and what the rules say.
// One file that cannot be read is an error of that file; the rest is judged all the same.
import { basename, dirname, join, relative, resolve } from 'node:path';
import { RefuteError } from '../../errors.ts';
import { compareDiagnostics, compareText, countDiagnostics } from './diagnostic.ts';
import { falsifierReader } from './falsifier-text.ts';
import { findContractFiles, listContractFiles, readContractFile, type FileReading } from './load-contract.ts';
import type { Contract } from './model.ts';
import type { DeriveLevel } from './rules/level-rules.ts';
import { validateContracts, type Validation } from './validate-contracts.ts';

export interface PathValidation extends Validation {
  fileCount: number;
  contractCount: number;
  unreadableCount: number;
  /** YAML files that are no contracts, and what they are. */
  skipped: { path: string; what: string }[];
  /** Text of every file with a diagnostic, for showing the place. */
  sources: ReadonlyMap<string, string>;
}

export interface ValidatePathsOptions {
  /** The project, where falsifiers/ is; found from each contract when absent. */
  root?: string;
  deriveLevel?: DeriveLevel;
}

export function validatePaths(paths: readonly string[], options: ValidatePathsOptions = {}): PathValidation {
  const files = selectedFiles(paths);
  const readings = files.map(readContractFile);
  const contracts = readings.flatMap((reading) => (reading.kind === 'contract' ? [reading.contract] : []));
  const unreadable = readings.filter((reading) => reading.kind === 'unreadable');
  const others = readings.filter((reading) => reading.kind === 'other');
  const validation = validateContracts({
    contracts,
    context: contextOf(contracts, files),
    falsifierText: falsifierReader(options.root),
    ...(options.deriveLevel === undefined ? {} : { deriveLevel: options.deriveLevel }),
  });
  const diagnostics = [...validation.diagnostics, ...unreadable.flatMap((reading) => reading.diagnostics)];
  return {
    ...validation,
    diagnostics: diagnostics.toSorted(compareDiagnostics),
    counts: countDiagnostics(diagnostics),
    fileCount: files.length,
    contractCount: contracts.length,
    unreadableCount: unreadable.length,
    skipped: others.map(({ path, what }) => ({ path, what })),
    sources: new Map([...contracts, ...unreadable].map(({ path, source }) => [path, source])),
  };
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

/** Contracts beside the selected ones: of the folder contracts/ that they are in, else of their own folder. */
function contextOf(contracts: readonly Contract[], selected: readonly string[]): Contract[] {
  const isSelected = new Set(selected.map((file) => resolve(file)));
  const folders = new Set(contracts.map(({ path }) => dirname(resolve(path))));
  const visible = new Set([...folders].flatMap(visibleFrom));
  return [...visible]
    .filter((file) => !isSelected.has(file))
    .map((file) => readIfPossible(relative(process.cwd(), file)))
    .flatMap((reading) => (reading?.kind === 'contract' ? [reading.contract] : []));
}

function visibleFrom(folder: string): string[] {
  for (let at = folder; ; at = dirname(at)) {
    if (basename(at) === 'contracts') return ifReadable(() => findContractFiles(at)) ?? [];
    if (dirname(at) === at)
      return (ifReadable(() => listContractFiles(folder)) ?? []).map((name) => join(folder, name));
  }
}

/** What cannot be read beside a contract is not the contract's fault. */
function readIfPossible(file: string): FileReading | undefined {
  return ifReadable(() => readContractFile(file));
}

function ifReadable<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RefuteError) return undefined;
    throw error;
  }
}
