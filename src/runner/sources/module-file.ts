// Paths of our own modules that are started or loaded by name, not imported. The source says './x.ts'; in dist/ the
// same file is './x.js'.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from './closure.ts';

/** Path of a module given as `new URL('./x.ts', import.meta.url)`, in a checkout or in dist/. */
export function moduleFile(url: URL): string {
  return asItLies(fileURLToPath(url));
}

/** The same for a module that the caller must not hang on: named from the root of the package, `src/x.ts`. */
export function packageModule(name: string): string {
  return asItLies(resolve(PACKAGE_ROOT, name));
}

function asItLies(path: string): string {
  return import.meta.url.endsWith('.ts') ? path : path.replace(/\.ts$/, '.js');
}
