// The kernel compiler, loaded only to compile. An installed package has none, and no kernel sources.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RefuteError } from '../../errors.ts';
import { PACKAGE_ROOT } from './closure.ts';

interface KernelCompiler {
  compileKernel(folder: string, source: string, output: string): Promise<void>;
}

/** Compiles `<folder>/<source>` with the flags of the build to `output`. */
export async function compileKernel(folder: string, source: string, output: string): Promise<void> {
  const path = join(PACKAGE_ROOT, 'scripts/compile-kernel.ts');
  if (!existsSync(path)) {
    const is = 'kernels are compiled in a checkout only';
    const next = 'Run this in a clone of the repository after "npm ci"';
    throw new RefuteError({ code: 'E_NO_KERNEL_COMPILER', place: source, is, next });
  }
  // A variable, so that tsc does not follow it: the compiler is not part of the product's build.
  const compiler = (await import(pathToFileURL(path).href)) as KernelCompiler;
  await compiler.compileKernel(folder, source, output);
}
