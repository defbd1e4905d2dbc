// The one build step of a checkout: compiles each kernel `src/engine/cpu/kernels/<stem>.as.ts` to `<stem>.wasm` beside it.
// Not a bundler; everything else runs from source.
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileKernel } from './compile-kernel.ts';

const folder = fileURLToPath(new URL('../src/engine/cpu/kernels/', import.meta.url));
const sources = (await readdir(folder)).filter((name) => name.endsWith('.as.ts')).toSorted();
for (const name of sources) {
  // Renamed into place: whoever reads meanwhile finds the old kernel or the new one.
  const output = join(folder, name.replace(/\.as\.ts$/, '.wasm'));
  await compileKernel(folder, name, `${output}.new`);
  await rename(`${output}.new`, output);
}
console.log(`kernels: ${sources.length} compiled`);
