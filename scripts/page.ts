// Builds the page of src/page into dist/page/, which any static host serves as it is: `npm run page`. With --serve also
// serves it here. Kernels and shaders lie beside the scripts, where modules look for them.
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { servePage } from './serve-page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(root, 'dist/page');

/** @param output the folder, which is emptied first */
export async function buildPage(output: string): Promise<void> {
  const source = join(root, 'src/page');
  rmSync(output, { recursive: true, force: true });
  const bundle = await rolldown({
    input: ['page', 'worker', 'service-worker'].map((name) => join(source, `${name}.ts`)),
    platform: 'browser',
    // What only Node has: nothing of it is left, because the page uses nothing of it (test/page/bundle.test.ts).
    external: [/^node:/, /oracles\/external\/index\.ts$/],
    treeshake: { moduleSideEffects: false },
  });
  await bundle.write({ dir: output, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js' });
  await bundle.close();
  for (const name of ['index.html', 'page.css']) cpSync(join(source, name), join(output, name));
  const kernels = join(root, 'src/engine/cpu/kernels');
  for (const name of readdirSync(kernels)) if (name.endsWith('.wasm')) cpSync(join(kernels, name), join(output, name));
  cpSync(join(root, 'src/gpu/wgsl'), join(output, 'wgsl'), { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildPage(OUTPUT);
  console.log('dist/page: built; any static host serves it');
  if (process.argv.includes('--serve')) console.log(`serving ${(await servePage(OUTPUT, { port: 8080 })).url}`);
}
