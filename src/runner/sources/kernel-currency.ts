// Refuses to run a claim on a compiled kernel that is not what its source says: the receipt would pin one thing and
// have run another. The kernel is compiled again in memory of the temp folder and compared; what came out is
// remembered by the digest of the sources, so an unchanged kernel costs nothing.
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { writeFileAtomic } from '../../engine/io/index.ts';
import { RefuteError } from '../../errors.ts';
import { ClosureScanner, kernelSourceOf, nameOfFile, PACKAGE_ROOT, type Entry } from './closure.ts';
import { digestOfFile, digestOfJson, isDigest, type Digest } from './digest.ts';
import { PackageLock } from './packages.ts';
import { compileKernel } from './kernel-compiler.ts';

const CACHE_FOLDER = join(PACKAGE_ROOT, 'node_modules/.cache/refute/kernels');
const checked = new Set<string>();
/** Claims run at the same time and ask for the same kernels. */
const expected = new Map<string, Promise<Digest | null>>();

/**
 * @param entries where the code of the run begins
 * @throws RefuteError E_KERNEL_OUTDATED, E_KERNEL_ABSENT
 */
export async function assertKernelsCurrent(root: string, entries: readonly (string | Entry)[]): Promise<void> {
  const scanner = new ClosureScanner();
  const { assets } = await scanner.closureOf(entries);
  for (const { asset } of assets) {
    const source = kernelSourceOf(asset);
    if (source === null || checked.has(asset)) continue;
    const sources = (await scanner.closureOf([source])).files;
    await assertKernelCurrent(asset, source, sources, root);
    checked.add(asset);
  }
}

async function assertKernelCurrent(
  asset: string,
  source: string,
  sources: ReadonlyMap<string, Digest | null>,
  root: string,
): Promise<void> {
  const present = digestOfFile(asset);
  const next = '"node scripts/prepare.ts" compiles the kernels';
  if (present === null) {
    throw new RefuteError({ code: 'E_KERNEL_ABSENT', place: nameOfFile(asset, root), is: 'not compiled yet', next });
  }
  if (present !== (await expectedDigest(asset, source, sources))) {
    const is = `not what ${basename(source)} compiles to now`;
    throw new RefuteError({ code: 'E_KERNEL_OUTDATED', place: nameOfFile(asset, root), is, next });
  }
}

/** What the sources compile to, from the cache where these very sources were compiled before. */
function expectedDigest(
  asset: string,
  source: string,
  sources: ReadonlyMap<string, Digest | null>,
): Promise<Digest | null> {
  const compiler = digestOfFile(join(PACKAGE_ROOT, 'scripts/compile-kernel.ts')) ?? '';
  const lock = new PackageLock(PACKAGE_ROOT).digestOf('assemblyscript') ?? '';
  const home = dirname(source);
  const facts = [...sources].map(([path, digest]) => [relative(home, path), digest ?? '']);
  const key = digestOfJson([compiler, lock, basename(source), facts.map(String).toSorted()]).slice('sha256:'.length);
  const digest = expected.get(key) ?? cachedDigest(key, home, basename(source), basename(asset));
  expected.set(key, digest);
  return digest;
}

async function cachedDigest(key: string, home: string, source: string, asset: string): Promise<Digest | null> {
  const cached = join(CACHE_FOLDER, key);
  const known = existsSync(cached) ? readFileSync(cached, 'utf8') : '';
  // A killed process may have left an empty file, and another one may be writing.
  if (isDigest(known)) return known;

  const folder = await mkdtemp(join(tmpdir(), 'refute-kernel-'));
  try {
    const output = join(folder, asset);
    await compileKernel(home, source, output);
    const digest = digestOfFile(output);
    if (digest !== null) await writeFileAtomic(cached, digest);
    return digest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
