// Which claims hang on which files: the pins that each claim would have now, turned round. Reads closures as they are
// today and what the committed receipts say was touched; runs nothing.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RefuteError } from '../../errors.ts';
import type { Claim } from '../contract/model.ts';
import type { Project } from '../contract/project.ts';
import { kernelSourceOf, nameOfFile } from '../sources/closure.ts';
import { NOTHING_TOUCHED } from '../run/protocol.ts';
import { EXIT_CODE_BAR } from '../run/run-argv-claim.ts';
import { falsifierPath } from '../run/run-claim.ts';
import { PinReader } from './pins.ts';
import { receiptsOfClaim } from './store.ts';

/** Where a project's own code lies. */
const SOURCE_FOLDERS = ['src', 'falsifiers'];
const SOURCE_FILE = /\.(ts|js|mjs|wgsl)$/;

export interface Impact {
  claimCount: number;
  /** Per file, in the order asked for, or largest first. */
  files: FileImpact[];
}

export interface FileImpact {
  /** Relative to the root, with `/`. */
  file: string;
  /** A change of the file would make their receipts stale. In the order of the contracts. */
  claims: Claim[];
}

/** @param files as typed: relative to the working directory; a folder stands for all that is below it */
export async function impactOf(project: Project, files: readonly string[]): Promise<Impact> {
  const index = await readIndex(project);
  const impacts = files.map((typed): FileImpact => {
    const path = resolve(typed);
    // What counts of a compiled kernel is its source.
    const file = nameOfFile(kernelSourceOf(path) ?? path, project.root);
    const claims = new Set([...index.byFile].flatMap(([name, hanging]) => (isAt(name, file) ? [...hanging] : [])));
    if (claims.size === 0 && !existsSync(path)) {
      const allowed = 'a file or folder that exists, or that a receipt pins';
      throw new RefuteError({ code: 'E_NO_SUCH_FILE', place: typed, is: 'there is no such file', allowed });
    }
    return { file, claims: index.claims.filter((claim) => claims.has(claim)) };
  });
  return { claimCount: index.claims.length, files: impacts };
}

/** Every source file of the project, the one that most claims hang on first. */
export async function impactOfAll(project: Project): Promise<Impact> {
  const { claims, byFile } = await readIndex(project);
  const files = SOURCE_FOLDERS.flatMap((folder) => sourceFiles(project.root, folder)).map((file): FileImpact => {
    const hanging = byFile.get(file) ?? new Set();
    return { file, claims: claims.filter((claim) => hanging.has(claim)) };
  });
  const sorted = files.toSorted((a, b) => b.claims.length - a.claims.length || (a.file < b.file ? -1 : 1));
  return { claimCount: claims.length, files: sorted };
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
    const receipts = receiptsOfClaim(project.root, claim).flatMap(({ receipt }) => (receipt === null ? [] : [receipt]));
    const touched = receipts.map(({ predicate }) => predicate.stable.touched);
    // Any bar will do: it is not a file.
    const subject = { claim, bar: EXIT_CODE_BAR, module: falsifierPath(project.root, claim) };
    const names = [nameOfFile(resolve(claim.contract.path), project.root)];
    for (const each of touched.length === 0 ? [NOTHING_TOUCHED] : touched) {
      const pins = await reader.read({ ...subject, touched: each });
      names.push(...Object.keys(pins).flatMap(fileOfPin));
    }
    for (const name of names) byFile.set(name, (byFile.get(name) ?? new Set()).add(claim));
  }
  return { claims, byFile };
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
