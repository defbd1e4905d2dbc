// The one build step of a checkout: compiles each kernel `src/engine/cpu/kernels/<stem>.as.ts` to `<stem>.wasm` beside it.
// Not a bundler; everything else runs from source.
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compileKernel } from './compile-kernel.ts';

const folder = fileURLToPath(new URL('../src/engine/cpu/kernels/', import.meta.url));
const sources = (await readdir(folder)).filter((name) => name.endsWith('.as.ts')).toSorted();
for (const name of sources) {
  await compileKernel(folder, name, name.replace(/\.as\.ts$/, '.wasm'));
}
console.log(`kernels: ${sources.length} compiled`);
