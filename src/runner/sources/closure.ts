// The import closure of a module: every file whose change can change what the module does. Found by reading, so that
// `pv gate` can tell in milliseconds whether a receipt still speaks of the present code. Running nothing.
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, extname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf, digestOfFile, type Digest } from './digest.ts';
import { assemblyReferences, moduleReferences } from './module-imports.ts';
import { SHADER_EXTENSION, shaderIncludes } from './shader-includes.ts';
import { tableEntries } from './table.ts';

/** Where pv itself stands: the checkout, or the installed package. */
export const PACKAGE_ROOT: string = fileURLToPath(new URL('../../../', import.meta.url)).replace(/[\\/]$/, '');

/** The compiler's flags decide a kernel's bits as its source does. */
const KERNEL_COMPILER = resolve(PACKAGE_ROOT, 'scripts/compile-kernel.ts');
const KERNEL_PACKAGE = 'assemblyscript';

export interface AssetReference {
  /** Absolute path of the file that is named. */
  asset: string;
  /** Absolute path of the module that names it, and the name as it stands there. */
  module: string;
  name: string;
}

export interface Closure {
  /** Absolute path -> digest; null: named, but not there. A compiled kernel stands as its sources. */
  files: Map<string, Digest | null>;
  packages: Set<string>;
  assets: AssetReference[];
}

/**
 * Where code begins, and on the way from there the modules whose lazy imports are alternatives, each with the one taken:
 * `x` is the module `x.ts` or `x-executor.ts`.
 */
export interface Entry {
  module: string;
  takes: ReadonlyMap<string, string>;
}

/** In place of a name: none of the alternatives is loaded. */
export const TAKES_NONE = 'none';

/** What of a closure does not count. */
export interface ClosureLimits {
  /** Which entries of a table count. A table that a falsifier imports counts whole: it may iterate it. */
  isKnown?: (path: string) => boolean;
  /** Files that the run never reached, though something names them. */
  isLeftOut?: (path: string) => boolean;
}

/** The way from one entry. */
interface Walk {
  takes: Entry['takes'];
  waiting: string[];
  followed: Set<string>;
  tables: Set<string>;
}

interface FileNode {
  digest: Digest | null;
  next: string[];
  /** Those of `next` that are loaded when the code gets there. */
  lazy: ReadonlySet<string>;
  /** Of a table module (table.ts): what `next` and `digest` are made of. */
  entries: { line: string; path: string }[] | null;
  packages: string[];
  assets: AssetReference[];
}

/** Everything else that is read is a falsifier, or somebody else's. */
const OWN_SOURCE = resolve(PACKAGE_ROOT, 'src') + sep;

const MODULE_EXTENSIONS = new Set(['.ts', '.js', '.mjs']);

/** Reads each file once; a new scanner sees the files anew. */
export class ClosureScanner {
  readonly #nodes = new Map<string, Promise<FileNode>>();

  /** @param entries absolute paths of modules, alone where all the alternatives that they lead to count */
  async closureOf(
    entries: readonly (string | Entry)[],
    { isKnown = () => true, isLeftOut = () => false }: ClosureLimits = {},
  ): Promise<Closure> {
    const closure: Closure = { files: new Map(), packages: new Set(), assets: [] };
    const follow = ({ takes, waiting }: Walk, path: string, node: FileNode): void => {
      closure.files.set(path, node.digest);
      node.packages.forEach((name) => closure.packages.add(name));
      closure.assets.push(...node.assets);
      const taken = takes.get(path);
      waiting.push(...(taken === undefined ? node.next : takenBy(taken, node)));
    };
    const walks = entries.map((entry): Walk => {
      const { module, takes } = typeof entry === 'string' ? { module: entry, takes: new Map() } : entry;
      return { takes, waiting: [module], followed: new Set(), tables: new Set() };
    });
    const walked = new Set<string>();
    while (walks.some(({ waiting }) => waiting.length > 0)) {
      for (const walk of walks) {
        for (let path = walk.waiting.pop(); path !== undefined; path = walk.waiting.pop()) {
          if (walk.followed.has(path) || isLeftOut(path)) continue;
          walk.followed.add(path);
          const node = await this.#node(path);
          if (!path.startsWith(OWN_SOURCE)) node.next.forEach((next) => walked.add(next));
          if (node.entries === null) follow(walk, path, node);
          else walk.tables.add(path);
        }
      }
      // Last, when it is known which of them a falsifier imports.
      for (const walk of walks) {
        for (const path of walk.tables) {
          const node = await this.#node(path);
          follow(walk, path, walked.has(path) ? node : knownPart(node, isKnown));
        }
        walk.tables.clear();
      }
    }
    return closure;
  }

  #node(path: string): Promise<FileNode> {
    const known = this.#nodes.get(path);
    if (known !== undefined) return known;
    const reading = readNode(path);
    this.#nodes.set(path, reading);
    return reading;
  }
}

/** What alternatives lead to: all of them where none has the name, because a closure may never be too small. */
function takenBy(taken: string, { next, lazy }: FileNode): string[] {
  if (taken === TAKES_NONE) return next.filter((path) => !lazy.has(path));
  const isTaken = (path: string): boolean => [taken, `${taken}-executor`].includes(basename(path, extname(path)));
  return [...lazy].some(isTaken) ? next.filter((path) => !lazy.has(path) || isTaken(path)) : next;
}

function knownPart(node: FileNode, isKnown: (path: string) => boolean): FileNode {
  const entries = (node.entries ?? []).filter(({ path }) => isKnown(path));
  return { ...node, digest: digestOfEntries(entries), next: entries.map(({ path }) => path) };
}

function digestOfEntries(entries: readonly { line: string }[]): Digest {
  return digestOf(entries.map(({ line }) => line).join('\n'));
}

async function readNode(path: string): Promise<FileNode> {
  const node: FileNode = {
    digest: digestOfFile(path),
    next: [],
    lazy: new Set(),
    entries: null,
    packages: [],
    assets: [],
  };
  const extension = extname(path);
  const isShader = extension === SHADER_EXTENSION;
  if (node.digest === null || !(isShader || MODULE_EXTENSIONS.has(extension))) return node;
  const source = readFileSync(path, 'utf8');
  node.digest = digestOf(source);
  if (isShader) return { ...node, next: shaderIncludes(source, path) };
  const beside = (name: string): string => resolve(dirname(path), name);
  if (path.endsWith('.as.ts')) {
    node.next.push(...assemblyReferences(source).map(beside));
    return node;
  }
  const entries = tableEntries(source);
  if (entries !== null) {
    node.entries = entries.map(({ line, specifier }) => ({ line, path: beside(specifier) }));
    return { ...node, digest: digestOfEntries(entries), next: node.entries.map((entry) => entry.path) };
  }
  const { imports, lazy, urls } = await moduleReferences(source, extension === '.ts');
  node.lazy = new Set(lazy.map(beside));
  for (const specifier of imports) {
    if (specifier.startsWith('.')) node.next.push(beside(specifier));
    else if (specifier.startsWith('file:')) node.next.push(fileURLToPath(specifier));
    else if (!isBuiltin(specifier)) node.packages.push(packageOf(specifier));
  }
  // A folder has no digest; what is read from it is named elsewhere or pinned as data.
  for (const name of urls.filter((url) => !url.endsWith('/'))) {
    const asset = beside(name);
    node.assets.push({ asset, module: path, name });
    const source = kernelSourceOf(asset);
    if (source === null) {
      node.next.push(asset);
    } else {
      node.next.push(source, KERNEL_COMPILER);
      node.packages.push(KERNEL_PACKAGE);
    }
  }
  return node;
}

/** `x.as.ts` beside `x.wasm`: then the source is what counts, and the compiled file need not be there to judge. */
export function kernelSourceOf(asset: string): string | null {
  if (!asset.endsWith('.wasm')) return null;
  const source = asset.replace(/\.wasm$/, '.as.ts');
  return existsSync(source) ? source : null;
}

/** How a file is called in receipts: relative to the project, or to the tool's own package when it lies outside. */
export function nameOfFile(path: string, root: string): string {
  const own = relative(root, path);
  if (!own.startsWith('..')) return own.split(sep).join('/');
  return `@refute/${relative(PACKAGE_ROOT, path).split(sep).join('/')}`;
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

function packageOf(specifier: string): string {
  const segments = specifier.split('/');
  return segments.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}
