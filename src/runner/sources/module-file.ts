// Paths of our own modules that are started, not imported. The source says './x.ts'; in dist/ the same file is './x.js'.
import { fileURLToPath } from 'node:url';

/** Path of a module given as `new URL('./x.ts', import.meta.url)`, in a checkout or in dist/. */
export function moduleFile(url: URL): string {
  const path = fileURLToPath(url);
  return import.meta.url.endsWith('.ts') ? path : path.replace(/\.ts$/, '.js');
}
