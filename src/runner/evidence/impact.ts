// Which claims hang on which files: the pins that each claim would have now, turned round. Reads closures as they are
// today and what the committed receipts say was touched; runs nothing.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RefuteError } from '../../errors.ts';
import type { Claim, Contract } from '../contract/model.ts';
import type { Project } from '../contract/project.ts';
import { kernelSourceOf, nameOfFile } from '../sources/closure.ts';
import { NOTHING_TOUCHED } from '../run/protocol.ts';
import { EXIT_CODE_BAR } from '../run/run-argv-claim.ts';
import { falsifierPath } from '../run/run-claim.ts';
import { tableEntries } from '../sources/table.ts';
import { PinReader, type PinnedInputs } from './pins.ts';
import { receiptsOfClaim } from './store.ts';

/** Where a project's own code lies. */
const SOURCE_FOLDERS = ['src', 'falsifiers'];
const SOURCE_FILE = /\.(ts|js|mjs|wgsl)$/;

export interface Impact {
  claimCount: number;
  /** Per file, in the order asked for, or largest first. */
  files: FileImpact[];
  /** Not stale themselves, but of a contract that depends on a stale one: they count as unmet until that is fresh. */
  waiting: Claim[];
}

export interface FileImpact {
  /** Relative to the root, with `/`. */
  file: string;
  /** A change of the file would make their receipts stale. In the order of the contracts. */
  claims: Claim[];
  /**
   * Of a table module (sources/table.ts): those that a line more would make stale, because they hang on all of its
   * lines.
   */
  byLineMore?: Claim[];
}

/** @param files as typed: relative to the working directory; a folder stands for all that is below it */
export async function impactOf(project: Project, files: readonly string[]): Promise<Impact> {
  const index = await readIndex(project);
  const impacts: FileImpact[] = [];
  for (const typed of files) {
    const path = resolve(typed);
    // What counts of a compiled kernel is its source.
    const file = nameOfFile(kernelSourceOf(path) ?? path, project.root);
    const claims = new Set([...index.byFile].flatMap(([name, hanging]) => (isAt(name, file) ? [...hanging] : [])));
    if (claims.size === 0 && !existsSync(path)) {
      const allowed = 'a file or folder that exists, or that a receipt pins';
      throw new RefuteError({ code: 'E_NO_SUCH_FILE', place: typed, is: 'there is no such file', allowed });
    }
    const impact: FileImpact = { file, claims: index.claims.filter((claim) => claims.has(claim)) };
    if (path.endsWith('.ts') && existsSync(path) && tableEntries(readFileSync(path, 'utf8')) !== null) {
      impact.byLineMore = await pinningAllOf(project, file, impact.claims);
    }
    impacts.push(impact);
  }
  const waiting = waitingFor(project, new Set(impacts.flatMap(({ claims }) => claims)));
  return { claimCount: index.claims.length, files: impacts, waiting };
}

function waitingFor({ contracts }: Project, stale: ReadonlySet<Claim>): Claim[] {
  const down = new Set([...stale].map(({ contract }) => contract.name));
  const waits = (contract: Contract): boolean => contract.metadata.dependsOn.some((name) => down.has(name));
  let sizeBefore = -1;
  while (down.size > sizeBefore) {
    sizeBefore = down.size;
    for (const contract of contracts.filter(waits)) down.add(contract.name);
  }
  return contracts.filter(waits).flatMap(({ claims }) => claims.filter((claim) => !stale.has(claim)));
}

/** Every source file of the project, the one that most claims hang on first. */
export async function impactOfAll(project: Project): Promise<Impact> {
  const { claims, byFile } = await readIndex(project);
  const files = SOURCE_FOLDERS.flatMap((folder) => sourceFiles(project.root, folder)).map((file): FileImpact => {
    const hanging = byFile.get(file) ?? new Set();
    return { file, claims: claims.filter((claim) => hanging.has(claim)) };
  });
  const sorted = files.toSorted((a, b) => b.claims.length - a.claims.length || (a.file < b.file ? -1 : 1));
  return { claimCount: claims.length, files: sorted, waiting: [] };
}

interface Index {
  claims: Claim[];
  /** Names as in pins, files and folders. */
  byFile: Map<string, Set<Claim>>;
}

async function readIndex(project: Project): Promise<Index> {
  const reader = new PinReader(project.root);
  const byFile = new Map<string, Set<Claim>>();
  const claims = project.contracts.flatMap((contract) => contract.claims);
  for (const claim of claims) {
    const names = [nameOfFile(resolve(claim.contract.path), project.root)];
    for (const inputs of pinnedInputs(project, claim)) {
      names.push(...Object.keys(await reader.read(inputs)).flatMap(fileOfPin));
    }
    for (const name of names) byFile.set(name, (byFile.get(name) ?? new Set()).add(claim));
  }
  return { claims, byFile };
}

/** Of every receipt of the claim; of one that touched nothing where there is none. */
function pinnedInputs({ root }: Project, claim: Claim): PinnedInputs[] {
  const receipts = receiptsOfClaim(root, claim).flatMap(({ receipt }) => (receipt === null ? [] : [receipt]));
  // Any bar will do: it is not a file.
  const subject = { claim, bar: EXIT_CODE_BAR, module: falsifierPath(root, claim) };
  if (receipts.length === 0)
    return claim.executors.map((executor) => ({ ...subject, executor, touched: NOTHING_TOUCHED }));
  return receipts.map(({ predicate: { stable } }) => ({
    ...subject,
    executor: stable.environment.executor,
    touched: stable.touched,
  }));
}

/** The claims whose pin of the table is the same when none of its lines is known to them. */
async function pinningAllOf(project: Project, table: string, claims: readonly Claim[]): Promise<Claim[]> {
  const reader = new PinReader(project.root);
  const pin = `file:${table}`;
  const pinning = new Set<Claim>();
  for (const claim of claims) {
    for (const inputs of pinnedInputs(project, claim)) {
      const [all, known] = [await reader.read(inputs), await reader.read({ ...inputs, recorded: {} })];
      if (pin in all && all[pin] === known[pin]) pinning.add(claim);
    }
  }
  return [...pinning];
}

function fileOfPin(pin: string): string[] {
  const [kind = '', ...rest] = pin.split(':');
  if (kind === 'package') return ['package-lock.json'];
  return ['file', 'data', 'model'].includes(kind) ? [rest.join(':')] : [];
}

/** The pinned name is the file, lies in it where it is a folder, or is a folder that holds it. */
function isAt(pinned: string, file: string): boolean {
  return pinned === file || pinned.startsWith(`${file}/`) || file.startsWith(`${pinned}/`);
}

function sourceFiles(root: string, folder: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => SOURCE_FILE.test(name)).map((name) => `${folder}/${name.replaceAll('\\', '/')}`);
}
