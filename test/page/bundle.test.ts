// What the built page is made of: nothing of Node, every kernel and shader beside it, and no word to another host.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPage } from '../../scripts/page.ts';

describe('the built page', () => {
  let folder: string;
  const scripts = new Map<string, string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'refute-bundle-'));
    await buildPage(folder);
    for (const name of await readdir(folder)) {
      if (name.endsWith('.js')) scripts.set(name, await readFile(join(folder, name), 'utf8'));
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('imports nothing but its own parts', () => {
    expect([...scripts.keys()]).toEqual(expect.arrayContaining(['page.js', 'worker.js', 'service-worker.js']));
    const imports = [...scripts].flatMap(([name, code]) =>
      [...code.matchAll(/^\s*(?:import|export)\b[^'"\n]*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm)].map(
        ([, still, late]) => `${name}: ${still ?? late ?? ''}`,
      ),
    );
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter((line) => !/: \.\/[\w-]+\.js$/.test(line))).toEqual([]);
  });

  it('has every kernel and shader that its scripts ask for', async () => {
    const there = new Set(await readdir(folder, { recursive: true }));
    const urls = [...(scripts.get('worker.js') ?? '').matchAll(/new URL\(["']([^"'<]+)["'], import\.meta\.url\)/g)];
    expect(urls.length).toBeGreaterThan(20);
    expect(
      urls.map(([, path = '']) => path.replace(/^\.\//, '').replace(/\/$/, '')).filter((path) => !there.has(path)),
    ).toEqual([]);
    const shaders = await readdir(new URL('../../src/gpu/wgsl', import.meta.url), { recursive: true });
    expect(shaders.filter((path) => !there.has(join('wgsl', path)))).toEqual([]);
  });

  it('may connect to its own host alone', async () => {
    const html = await readFile(join(folder, 'index.html'), 'utf8');
    expect(html).toContain("default-src 'none'");
    expect(html).toContain("connect-src 'self';");
  });
});
