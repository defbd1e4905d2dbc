// What a receipt hangs on where shaders are named by static URLs: the kernels, what they include, and of a kernel for every
// tensor type the whole folder of decoders; less where it is known which files were read.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClosureScanner } from '../../../src/runner/sources/closure.ts';
import { limitsOf } from '../../../src/runner/sources/entries.ts';

const FILES: Readonly<Record<string, string>> = {
  'gpu/shaders.ts': `
export const SHADERS = {
  rope: new URL('./wgsl/rope.wgsl', import.meta.url),
  matvec: new URL('./wgsl/matvec.wgsl', import.meta.url),
};`,
  'gpu/wgsl/rope.wgsl': '// rope\n// include lib/place\nfn main() {}',
  'gpu/wgsl/matvec.wgsl': '// include lib/place\n// include weights/TYPE\n// includes nothing else',
  'gpu/wgsl/lib/place.wgsl': '// include lib/deeper',
  'gpu/wgsl/lib/deeper.wgsl': '// include lib/lanes',
  'gpu/wgsl/lib/lanes-subgroup.wgsl': '',
  'gpu/wgsl/lib/lanes-workgroup.wgsl': '',
  'gpu/wgsl/lib/lanesome.wgsl': '// nobody names it',
  'gpu/wgsl/weights/f16.wgsl': '',
  'gpu/wgsl/weights/q4_k.wgsl': '// include lib/scales',
  'gpu/wgsl/lib/scales.wgsl': '',
  'gpu/wgsl/softcap.wgsl': '// nobody names it',
  'gpu/faults.webgpu.ts': '',
  'claim.ts': `import './gpu/shaders.ts';\nexport const faults = () => import('./gpu/faults.webgpu.ts');`,
};

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'refute-shaders-'));
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
});
afterAll(() => rmSync(root, { recursive: true }));

async function closureOn(executor: string, shaders?: string[]): Promise<string[]> {
  const read = shaders?.map((name) => join(root, name));
  const limits = limitsOf(executor, { programs: [], ...(read === undefined ? {} : { shaders: read }) });
  const { files } = await new ClosureScanner().closureOf([join(root, 'claim.ts')], limits);
  return [...files.keys()].map((path) => relative(root, path)).toSorted();
}

it('is every kernel that is named, with all that it may include', async () => {
  const all = Object.entries(FILES).filter(([, text]) => text !== '// nobody names it');
  const names = all.map(([name]) => name);
  // What an include names is pinned as absent: were it there, it would be taken.
  expect(await closureOn('webgpu')).toEqual([...names, 'gpu/wgsl/lib/lanes.wgsl'].toSorted());
});

it('is what was read, where that is known', async () => {
  const read = ['gpu/wgsl/matvec.wgsl', 'gpu/wgsl/weights/f16.wgsl', 'gpu/wgsl/lib/place.wgsl'];
  const modules = ['claim.ts', 'gpu/shaders.ts', 'gpu/faults.webgpu.ts'];
  expect(await closureOn('webgpu', read)).toEqual([...modules, ...read].toSorted());
});

it('is without what is about one executor alone, on another', async () => {
  expect(await closureOn('cpu')).not.toContain('gpu/faults.webgpu.ts');
});
