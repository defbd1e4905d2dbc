// From files to contracts: finds the YAML files under a path, tells contracts from other artifacts, reads them all
// even when some cannot be read. Synchronous on purpose: thousands of small files are read twice as fast that way.
import { isUtf8 } from 'node:buffer';
import { readdirSync, readFileSync, statSync, type Dirent, type Stats } from 'node:fs';
import { join } from 'node:path';
import { RefuteError } from '../../errors.ts';
import { compareText, type Diagnostic } from './diagnostic.ts';
import { nearest } from '../../near-miss.ts';
import { LineIndex } from './line-index.ts';
import { MAX_FILE_BYTES } from './yaml/limits.ts';
import { parseContract } from './parse-contract.ts';
import type { Contract } from './model.ts';
import { readYaml, tooLarge } from './yaml/read-yaml.ts';
import { findPair, type YamlMap, type YamlNode, type YamlProblem } from './yaml/yaml-node.ts';

/** Files of one run; the largest corpus known has about 2,400. */
const MAX_FILES = 20_000;

const CONTRACT_SECTIONS = ['metadata', 'falsification_tests', 'equations', 'proof_obligations', 'kani_harnesses'];

/** What one YAML file turned out to be. `unreadable` comes with its errors; the caller decides whether to go on. */
export type FileReading =
  | { kind: 'contract'; path: string; contract: Contract }
  | { kind: 'other'; path: string; what: string }
  | { kind: 'unreadable'; path: string; source: string; diagnostics: Diagnostic[] };

/** One contract. Throws where there is none to read; mistakes inside it are left to `pv validate`. */
export function loadContract(path: string): Contract {
  const reading = readContractFile(path);
  if (reading.kind === 'contract') return reading.contract;
  if (reading.kind === 'other') {
    const is = `this is ${reading.what}, not a contract`;
    const allowed = 'a contract has a top-level `metadata` map';
    throw new RefuteError({ code: 'E_NOT_A_CONTRACT', place: path, is, allowed });
  }
  const [first] = reading.diagnostics;
  const place = first === undefined ? path : `${path}:${first.line}:${first.column}`;
  const is = first?.message ?? 'unreadable';
  throw new RefuteError({ code: 'E_CONTRACT_UNREADABLE', place, is, next: `"pv validate ${path}" shows the place` });
}

/** Every contract below a folder (or the one file), by path. Throws on the first unreadable one. */
export function loadContracts(path: string): Contract[] {
  return findContractFiles(path)
    .map((file) => ({ file, reading: readContractFile(file) }))
    .filter(({ reading }) => reading.kind !== 'other')
    .map(({ file, reading }) => (reading.kind === 'contract' ? reading.contract : loadContract(file)));
}

/** YAML files at or below `path`, sorted. Hidden folders and node_modules are not entered, links are not followed. */
export function findContractFiles(path: string): string[] {
  if (!statOf(path).isDirectory()) return [path];
  const files: string[] = [];
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of entriesOf(folder)) {
      const child = join(folder, entry.name);
      if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules') folders.push(child);
      if (entry.isFile() && isYamlName(entry.name)) files.push(child);
    }
    if (files.length > MAX_FILES) {
      const is = `more than ${MAX_FILES} YAML files`;
      throw new RefuteError({ code: 'E_TOO_MANY_FILES', place: path, is, next: 'Name a smaller folder' });
    }
  }
  return files.toSorted(compareText);
}

/** Names of the YAML files directly in a folder. */
export function listContractFiles(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isFile() && isYamlName(entry.name))
    .map((entry) => entry.name);
}

function isYamlName(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

export function readContractFile(path: string): FileReading {
  const stats = statOf(path);
  // A pipe waits for a writer, and a device may have no end.
  if (!stats.isFile()) {
    const is = stats.isDirectory() ? 'this is a folder' : 'this is a pipe, socket or device';
    throw new RefuteError({ code: 'E_UNREADABLE', place: path, is, allowed: 'a regular file is needed' });
  }
  const { size } = stats;
  if (size > MAX_FILE_BYTES) return unreadable(path, '', [tooLarge(size)]);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    // Decoding replaces a wrong byte by this character without an error, and an edit would write that to the file.
    if (text.includes('\uFFFD') && !isUtf8(readFileSync(path))) {
      return unreadable(path, '', [{ code: 'PV-001', message: 'not UTF-8 text', start: 0 }]);
    }
  } catch (cause) {
    throw unreadableFile(path, cause);
  }
  return readContractText(path, text);
}

/** The same for text at hand; `path` names it. */
export function readContractText(path: string, source: string): FileReading {
  const { root, duplicates, problems } = readYaml(source);
  if (problems.length > 0) return unreadable(path, source, problems);
  const what = otherArtifact(root);
  if (what !== undefined) return { kind: 'other', path, what };
  // Anything but a map was answered by otherArtifact.
  return { kind: 'contract', path, contract: parseContract({ path, source, root: root as YamlMap, duplicates }) };
}

/** What a YAML file is when it is not a contract; recognised by its shape, as the original tool does. */
function otherArtifact(root: YamlNode | undefined): string | undefined {
  if (root === undefined) return 'an empty file';
  if (root.kind === 'scalar') return root.value === null ? 'an empty file' : 'a single value';
  if (root.kind === 'seq') return 'a list';
  const has = (key: string): boolean => findPair(root, key) !== undefined;
  if (has('metadata')) return undefined;
  if (has('bindings') && has('target_crate')) return 'a binding registry';
  if (has('model_id') && has('provenance')) return 'a publish manifest';
  // Misspelt ones too: a file of only such is a contract in which nothing is read.
  const isContractKey = (key: string): boolean => nearest(key, CONTRACT_SECTIONS) !== undefined;
  return root.pairs.some(({ key }) => isContractKey(key.text)) ? undefined : 'some other YAML file';
}

function unreadable(path: string, source: string, problems: readonly YamlProblem[]): FileReading {
  const lines = new LineIndex(source);
  const diagnostics = problems.map(({ code, message, start }): Diagnostic => {
    return { code, severity: 'error', message, file: path, ...lines.positionOf(start) };
  });
  return { kind: 'unreadable', path, source, diagnostics };
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw unreadableFile(path, cause);
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw unreadableFile(folder, cause);
  }
}

function unreadableFile(path: string, cause: unknown): RefuteError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const is = code === 'ENOENT' ? 'no such file or folder' : `cannot be read (${String(code ?? cause)})`;
  return new RefuteError({
    code: code === 'ENOENT' ? 'E_NO_SUCH_PATH' : 'E_UNREADABLE',
    place: path === '' ? '(empty path)' : path,
    is,
    cause,
  });
}
