// Who may import whom: the table of DESIGN §3, held against every import of src/ and falsifiers/. A toy tree with
// planted violations shows that it can fail.
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Path from the project's root, with slashes -> source text. */
type Tree = ReadonlyMap<string, string>;

interface Import {
  specifier: string;
  /** Erased by the compiler: no dependency at run time. */
  isType: boolean;
}

const FOLDERS = ['engine', 'gpu', 'oracles', 'diagnosis', 'runner', 'cli', 'page'] as const;

/** What each folder may import of each other one: its index, or modules by a pattern. Own modules are always allowed. */
const MAY_IMPORT: Readonly<Record<string, Partial<Record<string, RegExp>>>> = {
  engine: {},
  gpu: { engine: /^src\/engine\/(program\/[a-z-]+|formats\/tensor-types(?:\/[\w-]+)?|io\/read-bytes)\.ts$/ },
  // Structure is shared (the Program, its checker, what an op reads, sizes of blocks), arithmetic never.
  oracles: { engine: /^src\/engine\/(program\/[a-z-]+|formats\/tensor-types(?:\/[\w-]+)?)\.ts$/ },
  // Modules, no barrel: a claim about one op must not hang on every other one.
  diagnosis: { engine: /./, gpu: /./, oracles: /^src\/oracles\/(float64\/.+|external\/index)\.ts$/ },
  runner: { engine: index('engine'), gpu: index('gpu'), oracles: index('oracles'), diagnosis: index('diagnosis') },
  cli: {
    // Beside its index what apr bench alone asks for.
    engine: /^src\/engine\/((?:[a-z-]+\/)?index|cpu\/measure)\.ts$/,
    gpu: index('gpu'),
    oracles: index('oracles'),
    diagnosis: index('diagnosis'),
    runner: index('runner'),
  },
  // In a browser: nothing that only Node has.
  page: { engine: index('engine'), gpu: /^src\/gpu\/(own-)?device\.ts$/, diagnosis: index('diagnosis') },
  // A stem's own module and no barrel, so that a receipt hangs on that and not on everything.
  falsifiers: Object.fromEntries(
    FOLDERS.filter((folder) => folder !== 'cli' && folder !== 'page').map((folder) => [
      folder,
      /^(?!src\/(engine|diagnosis)\/index\.ts$)/,
    ]),
  ),
};

/** Type imports that are allowed where a dependency at run time is not. */
const MAY_IMPORT_TYPES: Readonly<Record<string, RegExp>> = { gpu: /^src\/engine\//, oracles: /^src\/engine\// };

/** An index may be that of a folder inside, as runner/contract/index.ts is. */
function index(folder: string): RegExp {
  return new RegExp(`^src/${folder}/(?:[a-z-]+/)?index\\.ts$`);
}

/** The closure of a falsifier is read off the source, which is blind to these; nothing below the harness may use them. */
const MAY_COMPUTE: ReadonlyMap<string, string> = new Map([
  ['src/runner/run/child.ts', 'loads the falsifier module that it is told'],
  ['src/runner/run/product.ts', 'opens models and executors: a claim hangs on them only where a part asked for one'],
  ['src/runner/run/fault-preload.ts', 'writes the import of a falsifier into a generated module'],
  ['src/runner/sources/kernel-compiler.ts', 'loads the kernel compiler, which an installed package has not'],
  ['src/runner/run/run-argv-claim.ts', 'names one of two launchers'],
  ['src/runner/run/run-program.ts', 'names one of two launchers'],
]);

/** Tables, which may be long: they are looked things up in, not read. */
const LONG_TABLES: ReadonlySet<string> = new Set([]);
const MAX_LINES = 400;

/** Who runs in a page too, and where alone they may import `node:`; null: nowhere. */
const NODE_ONLY_IN: Readonly<Record<string, string | null>> = {
  engine: 'src/engine/io/',
  gpu: 'src/gpu/node/',
  diagnosis: null,
  page: null,
};

/** The composition root: what opens every executor, and who may ask it to. A page has its own. */
const ROOT = 'src/executors.ts';
const PAGE_ROOT = 'src/page/engines.ts';
const ASKS_ROOT: ReadonlySet<string> = new Set(['cli', 'runner']);
const OPENS_EXECUTORS =
  /^src\/(engine\/cpu\/cpu|oracles\/float64\/float64|oracles\/external\/llama-cpp-subject\/llama\.cpp)-executor\.ts$/;
/** Beside the root: diagnosis and falsifiers, which take one executor apart or hold it against another. */
const MAY_OPEN: ReadonlySet<string> = new Set(['diagnosis', 'falsifiers']);

/** Beside the folders, for all of them. */
const AT_ROOT: ReadonlySet<string> = new Set([
  'src/compile-cache.ts',
  'src/decimal.ts',
  'src/errors.ts',
  'src/figures.ts',
  'src/near-miss.ts',
  'src/notice.ts',
]);

/** Inside these, folders import one another in one direction only; so many pairs may do it both ways. */
const ONE_WAY: readonly (readonly [string, number])[] = [
  ['src/engine', 0],
  ['src/runner', 0],
  // Its own files and rules/, which its index and validate-paths.ts lead to; yaml/ imports nothing from outside.
  ['src/runner/contract', 1],
];

const COMMENT = /\/\*[^]*?\*\/|(?<![:'"`\w])\/\/.*$/gm;
const STATIC_IMPORT = /^\s*(?:import|export)\s+(?:(type)\s+)?(?:[\w*{][^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*['"]([^'"]+)['"]/g;
const COMPUTED_NAME = /\bimport\(\s*(?!['"\s])|new URL\(\s*(?!['"\s])[^)]*import\.meta\.url/;

function importsOf(source: string): Import[] {
  const code = source.replaceAll(COMMENT, '');
  return [
    ...[...code.matchAll(STATIC_IMPORT)].map(([, type, specifier = '']) => ({ specifier, isType: type !== undefined })),
    ...[...code.matchAll(DYNAMIC_IMPORT)].map(([, specifier = '']) => ({ specifier, isType: false })),
  ];
}

/** `engine` of src/engine/…, `falsifiers` of falsifiers/…, `` of src/errors.ts and everything outside. */
function folderOf(path: string): string {
  if (path.startsWith('falsifiers/')) return 'falsifiers';
  return FOLDERS.find((folder) => path.startsWith(`src/${folder}/`)) ?? '';
}

function importViolation(path: string, { specifier, isType }: Import, tree: Tree): string | null {
  const from = folderOf(path);
  const says = `${path} imports ${specifier}`;
  if (!specifier.startsWith('.')) {
    const folder = NODE_ONLY_IN[from];
    const isAllowed = folder === undefined || (folder !== null && path.startsWith(folder));
    return isAllowed || !specifier.startsWith('node:') ? null : `${says}: node: only in ${folder ?? 'other folders'}`;
  }
  const target = posix.join(posix.dirname(path), specifier);
  if (target.endsWith('.json')) return null;
  if (!tree.has(target)) return `${says}: there is no such file`;
  const to = folderOf(target);
  if (AT_ROOT.has(target)) return null;
  if (target === ROOT) return ASKS_ROOT.has(from) ? null : `${says}: only cli and runner choose among executors`;
  if (OPENS_EXECUTORS.test(target) && path !== ROOT && path !== PAGE_ROOT && !MAY_OPEN.has(from)) {
    return `${says}: executors are opened by ${ROOT}`;
  }
  if (to === from || path === ROOT || (path === PAGE_ROOT && OPENS_EXECUTORS.test(target))) return null;
  const allowed = MAY_IMPORT[from]?.[to];
  if (allowed?.test(target) === true) return null;
  if (isType && MAY_IMPORT_TYPES[from]?.test(target) === true) return null;
  return allowed === undefined
    ? `${says}: ${from} may not import ${to || 'that'}`
    : `${says}: only its index or what the table names`;
}

function violations(tree: Tree): string[] {
  const found: (string | null)[] = [];
  for (const [path, source] of tree) {
    const code = source.replaceAll(COMMENT, '');
    found.push(...importsOf(source).map((one) => importViolation(path, one, tree)));
    if (COMPUTED_NAME.test(code) && !MAY_COMPUTE.has(path)) found.push(`${path} computes the name of a module`);
    if (folderOf(path) === 'engine' && /\bconsole\./.test(code)) found.push(`${path} writes to the console`);
    if (!source.startsWith('//') && !source.startsWith('#!')) found.push(`${path} does not begin by saying what it is`);
    const lineCount = source.split('\n').length;
    if (lineCount > MAX_LINES && !LONG_TABLES.has(path))
      found.push(`${path} has ${lineCount} lines, ${MAX_LINES} is the limit`);
  }
  return found.filter((violation) => violation !== null);
}

/** Pairs of folders of `base` (its own files count as one) of which each imports the other, types included. */
function mutualImports(base: string, tree: Tree): string[] {
  const folder = (path: string): string =>
    path
      .slice(base.length + 1)
      .split('/')
      .slice(0, -1)[0] ?? '.';
  const seen = new Set<string>();
  for (const [path, source] of tree) {
    if (!path.startsWith(`${base}/`)) continue;
    for (const { specifier } of importsOf(source)) {
      const target = posix.join(posix.dirname(path), specifier);
      if (!specifier.startsWith('.') || !target.startsWith(`${base}/`) || folder(path) === folder(target)) continue;
      seen.add(`${folder(path)} -> ${folder(target)}`);
    }
  }
  const turned = (edge: string): string => edge.split(' -> ').toReversed().join(' -> ');
  return [...seen].filter((edge) => edge < turned(edge) && seen.has(turned(edge))).toSorted();
}

function readTree(): Tree {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const paths = ['src', 'falsifiers'].flatMap((folder) =>
    readdirSync(`${root}/${folder}`, { recursive: true, encoding: 'utf8' }).map(
      (name) => `${folder}/${name.replaceAll('\\', '/')}`,
    ),
  );
  // Kernel sources are another language; their own project file checks them.
  const sources = paths.filter((path) => path.endsWith('.ts') && !path.endsWith('.as.ts'));
  return new Map(sources.map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')]));
}

describe('the architecture', () => {
  const tree = readTree();

  it('is that of the table', () => {
    expect(tree.size).toBeGreaterThan(100);
    expect(violations(tree)).toEqual([]);
  });

  it.each(ONE_WAY)('of %s has folders that import one way, but for %i pairs', (base, allowed) => {
    expect(mutualImports(base, tree).length, mutualImports(base, tree).join(', ')).toBeLessThanOrEqual(allowed);
  });

  it('needs every exception that it makes', () => {
    const computing = [...tree].filter(([, source]) => COMPUTED_NAME.test(source.replaceAll(COMMENT, '')));
    expect([...MAY_COMPUTE.keys()].filter((path) => !computing.some(([found]) => found === path))).toEqual([]);
    const long = [...tree].filter(([, source]) => source.split('\n').length > MAX_LINES).map(([path]) => path);
    expect([...LONG_TABLES].filter((path) => !long.includes(path))).toEqual([]);
  });
});

describe('the check itself', () => {
  const healthy: readonly [string, string][] = [
    ['src/errors.ts', '// Errors.\n'],
    ['src/engine/index.ts', "// Index.\nexport { a } from './a.ts';\n"],
    [
      'src/engine/a.ts',
      "// A. From './gone.ts'.\nimport { RefuteError } from '../errors.ts';\nimport fc from 'fast-check';\n",
    ],
    ['src/engine/io/file.ts', "// File.\nconst fs = await import('node:fs');\n"],
    ['src/gpu/index.ts', "// GPU.\nimport type { A } from '../engine/a.ts';\n"],
    ['src/oracles/external/index.ts', "// Oracles.\nimport type { A } from '../../engine/a.ts';\n"],
    ['src/notice.ts', '// Notices.\n'],
    ['src/engine/program/ops.ts', "// Ops.\nimport type { N } from '../../notice.ts';\n"],
    ['src/oracles/float64/a.ts', "// A.\nimport { op } from '../../engine/program/ops.ts';\n"],
    ['src/diagnosis/index.ts', "// Index.\nimport { a } from '../oracles/float64/a.ts';\n"],
    ['src/runner/index.ts', "// Runner.\nimport {\n  a,\n} from '../engine/index.ts';\n"],
    ['src/engine/cpu/cpu-executor.ts', '// CPU.\n'],
    ['src/executors.ts', "// Executors.\nconst cpu = await import('./engine/cpu/cpu-executor.ts');\n"],
    ['src/cli/a.ts', "// A.\nimport { e } from '../executors.ts';\n"],
    ['src/gpu/own-device.ts', '// Own device.\n'],
    [
      'src/page/engines.ts',
      "// Engines.\nimport '../engine/cpu/cpu-executor.ts';\nimport { o } from '../gpu/own-device.ts';\n",
    ],
    ['falsifiers/a-v1.ts', "// A.\nimport { a } from '../src/engine/a.ts';\n"],
  ];
  const withFile = (path: string, source: string): string[] => violations(new Map([...healthy, [path, source]]));

  it('finds nothing in a healthy tree', () => {
    expect(violations(new Map(healthy))).toEqual([]);
  });

  it.each([
    ['engine may not import runner', 'src/engine/b.ts', "// B.\nimport { r } from '../runner/index.ts';\n"],
    ['engine may not import runner', 'src/engine/b.ts', "// B.\nimport type { R } from '../runner/index.ts';\n"],
    ['engine may not import gpu', 'src/engine/b.ts', "// B.\nimport { g } from '../gpu/index.ts';\n"],
    ['node: only in src/engine/io/', 'src/engine/b.ts', "// B.\nimport { readFileSync } from 'node:fs';\n"],
    ['node: only in src/engine/io/', 'src/engine/b.ts', "// B.\nconst fs = await import('node:fs');\n"],
    ['node: only in src/gpu/node/', 'src/gpu/b.ts', "// B.\nconst fs = await import('node:fs');\n"],
    ['node: only in other', 'src/diagnosis/b.ts', "// B.\nimport { join } from 'node:path';\n"],
    ['node: only in other', 'src/page/b.ts', "// B.\nimport { join } from 'node:path';\n"],
    ['only its index', 'src/page/b.ts', "// B.\nimport { a } from '../engine/a.ts';\n"],
    ['page may not import runner', 'src/page/b.ts', "// B.\nimport { r } from '../runner/index.ts';\n"],
    ['page may not import oracles', 'src/page/b.ts', "// B.\nimport { a } from '../oracles/float64/a.ts';\n"],
    ['only cli and runner', 'src/page/b.ts', "// B.\nimport { e } from '../executors.ts';\n"],
    ['executors are opened', 'src/page/b.ts', "// B.\nimport { c } from '../engine/cpu/cpu-executor.ts';\n"],
    ['there is no such file', 'src/engine/b.ts', "// B.\nimport './gone.ts';\n"],
    ['writes to the console', 'src/engine/b.ts', '// B.\nconsole.log(1);\n'],
    ['only its index', 'src/gpu/b.ts', "// B.\nimport { a } from '../engine/a.ts';\n"],
    ['only its index', 'src/oracles/b.ts', "// B.\nimport { a } from '../engine/index.ts';\n"],
    ['only its index', 'src/oracles/b.ts', "// B.\nexport * from '../engine/index.ts';\n"],
    ['only its index', 'src/oracles/b.ts', "// B.\nimport { type A } from '../engine/index.ts';\n"],
    ['oracles may not import runner', 'src/oracles/b.ts', "// B.\nimport { r } from '../runner/index.ts';\n"],
    ['only its index', 'src/cli/b.ts', "// B.\nimport { a } from '../oracles/float64/a.ts';\n"],
    ['only its index', 'src/runner/b.ts', "// B.\nimport {\n  a,\n} from '../engine/a.ts';\n"],
    ['diagnosis may not import runner', 'src/diagnosis/b.ts', "// B.\nimport { r } from '../runner/index.ts';\n"],
    ['only cli and runner', 'src/diagnosis/b.ts', "// B.\nimport { e } from '../executors.ts';\n"],
    ['executors are opened', 'src/engine/b.ts', "// B.\nexport { c } from './cpu/cpu-executor.ts';\n"],
    ['executors are opened', 'src/cli/b.ts', "// B.\nimport { c } from '../engine/cpu/cpu-executor.ts';\n"],
    ['there is no such file', 'falsifiers/b-v1.ts', "// B.\nimport { r } from '../src/cli/b.ts';\n"],
    ['only its index or', 'falsifiers/b-v1.ts', "// B.\nimport { a } from '../src/engine/index.ts';\n"],
    ['computes the name', 'src/runner/b.ts', '// B.\nawait import(name);\n'],
    ['computes the name', 'src/engine/b.ts', '// B.\nconst url = new URL(`./${name}.wasm`, import.meta.url);\n'],
    ['does not begin by saying what it is', 'src/engine/b.ts', 'export const b = 1;\n'],
    ['402 lines', 'src/engine/b.ts', `// B.\n${'x;\n'.repeat(400)}`],
  ])('finds what is planted: %s', (words, path, source) => {
    expect(withFile(path, source)).toEqual([expect.stringContaining(words)]);
  });

  it('finds two folders that import each other, and not one that only is imported', () => {
    const oneWay = new Map(healthy);
    expect(mutualImports('src/engine', oneWay)).toEqual([]);
    oneWay.set('src/engine/cpu/a.ts', "// A.\nimport { op } from '../program/ops.ts';\n");
    expect(mutualImports('src/engine', oneWay)).toEqual([]);
    oneWay.set('src/engine/program/b.ts', "// B.\nimport type { A } from '../cpu/a.ts';\n");
    expect(mutualImports('src/engine', oneWay)).toEqual(['cpu -> program']);
  });
});
