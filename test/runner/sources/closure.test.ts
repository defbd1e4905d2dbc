// The closure that a receipt pins, against what Node really loads: files are found by reading source text, so a load
// hook in the processes of a real run is what it has to agree with.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXECUTORS } from '../../../src/executors.ts';
import { moduleReferences } from '../../../src/runner/sources/module-imports.ts';
import { ClosureScanner, kernelSourceOf, type Entry } from '../../../src/runner/sources/closure.ts';
import { entriesOf, EXECUTORS_MODULE } from '../../../src/runner/sources/entries.ts';
import { digestOf } from '../../../src/runner/sources/digest.ts';
import { tableEntries } from '../../../src/runner/sources/table.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HOOK = new URL('../toys/load-log.mjs', import.meta.url).href;

describe('moduleReferences', () => {
  it('finds imports of every form, and no type import, comment or computed name', async () => {
    const source = [
      "import { a } from './a.ts';",
      "import type { B } from './b.ts';",
      "export * from './c.ts';",
      "const d = await import('./d.ts');",
      'const e = await import(name);',
      "const f = new URL('./f.wasm', import.meta.url);",
      "// new URL('./g.wasm', import.meta.url) and import './h.ts'",
      "const text = 'as text';",
    ].join('\n');
    expect(await moduleReferences(source, true)).toEqual({
      imports: ['./a.ts', './c.ts', './d.ts'],
      lazy: ['./d.ts'],
      urls: ['./f.wasm'],
    });
  });
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'refute-closure-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the closure of a falsifier', () => {
  /** Files of the checkout that the processes of the run loaded or opened. */
  async function loadedBy(...argv: string[]): Promise<Set<string>> {
    const log = join(folder, 'loaded');
    const { exitCode, stdout, stderr } = await execa(process.execPath, ['bin/pv.js', 'falsify', ...argv, '--dry-run'], {
      cwd: ROOT,
      reject: false,
      env: { LOAD_LOG: log, NODE_OPTIONS: `--import ${HOOK}` },
    });
    expect({ exitCode, stdout, stderr }).toMatchObject({ exitCode: 0 });
    return named(readFileSync(log, 'utf8').trimEnd().split('\n'));
  }

  async function closureOf(...entries: (string | Entry)[]): Promise<Set<string>> {
    const { files } = await new ClosureScanner().closureOf(entries);
    return named([...files.keys()]);
  }

  /** What runs a part, and no receipt hangs on: the pin `harness` stands for it. */
  async function harness(): Promise<Set<string>> {
    return closureOf(join(ROOT, 'src/runner/run/child.ts'), join(ROOT, 'src/runner/run/fault-preload.ts'));
  }

  it('is what is loaded, kernels by their sources', async () => {
    const loaded = await loadedBy('FALSIFY-FPI-003', '--part', 'generated', '--engine', 'cpu');
    const module = join(ROOT, 'falsifiers/forward-path-identity-v1.ts');
    const closure = await closureOf(...entriesOf(module, { programs: [], product: ['model', 'executor:cpu'] }));
    const kernels = [...loaded].filter((name) => name.endsWith('.wasm'));
    expect(kernels.length).toBeGreaterThan(5);
    const isSource = (name: string): boolean => name.endsWith('.as.ts') || name === 'scripts/compile-kernel.ts';
    const never = [...closure].filter((name) => !loaded.has(name) && !isSource(name));
    expect(never).toEqual([]);
    // Kernels are opened when a model wants them; any of them may be.
    const sources = kernels.map((name) => relative(ROOT, kernelSourceOf(join(ROOT, name)) ?? name));
    expect([...closure]).toEqual(expect.arrayContaining([...sources, 'src/engine/cpu/kernels/lib/dot.as.ts']));

    const known = await harness();
    const missed = [...loaded].filter((name) => !closure.has(name) && !known.has(name) && !name.endsWith('.wasm'));
    expect(missed).toEqual([]);
  });

  it('holds the program that a part starts, launcher included', async () => {
    const loaded = await loadedBy('FALSIFY-APRT-003', '--part', 'live');
    const module = join(ROOT, 'falsifiers/aprt-format-v1.ts');
    const closure = await closureOf(...entriesOf(module, { programs: ['apr diff'] }));
    expect([...loaded]).toEqual(expect.arrayContaining(['bin/apr.js', 'src/cli/apr.ts']));
    expect([...closure].filter((name) => name.startsWith('src/cli/apr/run/'))).toEqual([]);
    const known = await harness();
    const isData = (name: string): boolean => name.endsWith('.wasm') || name.startsWith('models/');
    expect([...loaded].filter((name) => !closure.has(name) && !known.has(name) && !isData(name))).toEqual([]);
  });
});

describe('the closure of a program', () => {
  const closureOf = async (program: string): Promise<string[]> => {
    const { files } = await new ClosureScanner().closureOf(entriesOf(null, { programs: [program] }));
    return [...named([...files.keys()])];
  };

  it.each(['pv validate', 'pv falsify', 'pv gate', 'pv evidence', 'pv impact'])('%s has no kernel', async (program) => {
    const closure = await closureOf(program);
    expect(closure).toContain('src/cli/pv.ts');
    expect(closure.filter((name) => /^src\/(engine\/(?!io\/)|oracles|diagnosis)/.test(name))).toEqual([]);
  });

  it('is one subcommand where one is named, and all of them where none is', async () => {
    const [diff, all, unknown] = await Promise.all(['apr diff', 'apr', 'apr nonsense'].map(closureOf));
    expect(diff).toContain('src/cli/apr/diff/diff.ts');
    expect(diff).not.toContain('src/cli/apr/trace/trace.ts');
    expect(all).toEqual(expect.arrayContaining(['src/cli/apr/diff/diff.ts', 'src/cli/apr/trace/trace.ts']));
    expect(unknown?.toSorted()).toEqual(all?.toSorted());
  });
});

describe('what is chosen by name', () => {
  const sizeOf = async (entries: (string | Entry)[]): Promise<number> =>
    (await new ClosureScanner().closureOf(entries)).files.size;

  it.each(['pv', 'apr'])('every subcommand of %s is a module of its name', async (program) => {
    const source = readFileSync(join(ROOT, `src/cli/${program}.ts`), 'utf8');
    const commands = [...source.matchAll(/^  (\w+): async/gm)].map(([, name = '']) => name);
    expect(commands.length).toBeGreaterThan(5);
    const whole = await sizeOf(entriesOf(null, { programs: [program] }));
    for (const command of commands) {
      expect(await sizeOf(entriesOf(null, { programs: [`${program} ${command}`] })), command).toBeLessThan(whole);
    }
  });

  it.each(EXECUTORS.map(({ id }) => id))('executor %s is a module of its name', async (id) => {
    const whole = await sizeOf([EXECUTORS_MODULE]);
    expect(await sizeOf(entriesOf(null, { programs: [], product: [`executor:${id}`] }))).toBeLessThan(whole);
  });
});

describe('a table module', () => {
  const TABLE = 'src/engine/formats/tensor-types/by-name.ts';
  const absolute = (name: string): string => join(ROOT, name);
  const isNew = (path: string): boolean => /q6_k/.test(path);

  it('is read where every line names one thing of one file, and nowhere else', () => {
    const lines = ["export { a } from './a.ts';", '// of b', "export { bee as b } from '../b.ts';"];
    expect(tableEntries(lines.join('\n'))?.map(({ specifier }) => specifier)).toEqual(['./a.ts', '../b.ts']);
    for (const other of ["export { c, d } from './c.ts';", "export * from './c.ts';", 'c();', "import './c.ts';"]) {
      expect(tableEntries([...lines, other].join('\n'))).toBeNull();
    }
  });

  it('counts without the entries that a receipt does not know, and they are not followed', async () => {
    const entries = [absolute('src/engine/formats/tensor-types.ts')];
    const [all, known] = [
      await new ClosureScanner().closureOf(entries),
      await new ClosureScanner().closureOf(entries, { isKnown: (path) => !isNew(path) }),
    ];
    expect([...all.files.keys()].some(isNew)).toBe(true);
    expect([...known.files.keys()].some(isNew)).toBe(false);
    expect(known.files.get(absolute(TABLE))).not.toBe(all.files.get(absolute(TABLE)));
    // As if the entry had never been added: the digest is that of the other lines.
    const lines = readFileSync(absolute(TABLE), 'utf8').split('\n');
    const rest = lines.filter((line) => line.startsWith('export') && !isNew(line));
    expect(known.files.get(absolute(TABLE))).toBe(digestOf(rest.join('\n')));
  });

  it('counts whole for a falsifier that imports it itself', async () => {
    const walker = join(folder, 'walker.ts');
    writeFileSync(walker, `export * as all from '${pathToFileURL(absolute(TABLE)).href}';`);
    const { files } = await new ClosureScanner().closureOf([walker], { isKnown: (path) => !isNew(path) });
    expect([...files.keys()].some(isNew)).toBe(true);
  });
});

function named(paths: readonly string[]): Set<string> {
  const own = paths.filter((path) => path.startsWith(ROOT)).map((path) => relative(ROOT, path));
  return new Set(own.filter((name) => !name.includes('node_modules/')));
}
