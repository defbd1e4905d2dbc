// The import closure of a module: every file whose change can change what the module does. Found by reading, so that
// `pv gate` can tell in milliseconds whether a receipt still speaks of the present code. Running nothing.
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, extname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf, digestOfFile, type Digest } from './digest.ts';
import { assemblyReferences, moduleReferences } from './module-imports.ts';

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

interface FileNode {
  digest: Digest | null;
  next: string[];
  packages: string[];
  assets: AssetReference[];
}

const MODULE_EXTENSIONS = new Set(['.ts', '.js', '.mjs']);

/** Reads each file once; a new scanner sees the files anew. */
export class ClosureScanner {
  readonly #nodes = new Map<string, Promise<FileNode>>();

  /** @param entries absolute paths of modules */
  async closureOf(entries: readonly string[]): Promise<Closure> {
    const closure: Closure = { files: new Map(), packages: new Set(), assets: [] };
    const waiting = [...entries];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (closure.files.has(path)) continue;
      const node = await this.#node(path);
      closure.files.set(path, node.digest);
      node.packages.forEach((name) => closure.packages.add(name));
      closure.assets.push(...node.assets);
      waiting.push(...node.next);
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

async function readNode(path: string): Promise<FileNode> {
  const node: FileNode = { digest: digestOfFile(path), next: [], packages: [], assets: [] };
  const extension = extname(path);
  if (node.digest === null || !MODULE_EXTENSIONS.has(extension)) return node;
  const source = readFileSync(path, 'utf8');
  node.digest = digestOf(source);
  const beside = (name: string): string => resolve(dirname(path), name);
  if (path.endsWith('.as.ts')) {
    node.next.push(...assemblyReferences(source).map(beside));
    return node;
  }
  const { imports, urls } = await moduleReferences(source, extension === '.ts');
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

/** The module in which a program of this package begins. */
export function programModule(name: 'apr' | 'pv'): string {
  return resolve(PACKAGE_ROOT, `src/cli/${name}.ts`);
}

/** What a user starts, and what it leads to: the launcher computes the second's name, which no reader of text can see. */
export function programEntries(name: 'apr' | 'pv'): string[] {
  return [resolve(PACKAGE_ROOT, `bin/${name}.js`), programModule(name)];
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
