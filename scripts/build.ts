// Builds dist/ for `npm pack`: TypeScript to JavaScript, and the files beside it that modules open by URL. A package
// under node_modules cannot run TypeScript; a checkout never needs this. The page comes along, built.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage } from './page.ts';

/** What modules open by URL or import as data at run time. */
const ASSETS: ReadonlySet<string> = new Set(['.wasm', '.wgsl']);

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'dist');
const compiler = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc');

rmSync(output, { recursive: true, force: true });
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });

let assetCount = 0;
for (const path of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
  if (!ASSETS.has(extname(path))) continue;
  cpSync(join(root, 'src', path), join(output, 'src', path));
  assetCount += 1;
}
await buildPage(join(output, 'page'));
console.log(`dist: compiled, ${assetCount} assets copied, the page built`);
