// Compiled kernels against what their sources compile to, of which a folder keeps the digests.
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { PACKAGE_ROOT } from '../../../src/runner/sources/closure.ts';

const ENTRIES = [join(PACKAGE_ROOT, 'src/engine/cpu/kernels/scale.ts')];
const CACHE = join(PACKAGE_ROOT, 'node_modules/.cache/refute/kernels');

/** As in a process of its own. */
async function check(): Promise<void> {
  vi.resetModules();
  const { assertKernelsCurrent } = await import('../../../src/runner/sources/kernel-currency.ts');
  await assertKernelsCurrent(PACKAGE_ROOT, ENTRIES);
}

it('compiles again where the folder holds half a digest, as another process leaves it while it writes', async () => {
  await check();
  const entries = await readdir(CACHE);
  for (const entry of entries) await truncate(join(CACHE, entry), 7);
  await expect(check()).resolves.toBeUndefined();
});
