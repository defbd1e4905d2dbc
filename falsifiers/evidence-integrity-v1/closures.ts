// Small worlds of modules that import each other in every way there is, and which of them a change must reach: worked
// out from the plan they were written from, never from their text.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc, { type Arbitrary } from 'fast-check';
import { ClosureScanner } from '../../src/runner/sources/closure.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { claimId, SmallProject } from '../kit/claims/evidence-project.ts';

const MODULES = 6;
/** The last two hang nothing on the file that they name. */
const WAYS = ['import', 'export', 'side effect', 'dynamic', 'asset', 'type', 'remark'] as const;

export interface World {
  links: { from: number; to: number; way: (typeof WAYS)[number] }[];
  changed: number;
}

export const worlds: Arbitrary<World> = fc.record({
  links: fc.array(fc.record({ from: fc.nat(MODULES - 1), to: fc.nat(MODULES - 1), way: fc.constantFrom(...WAYS) }), {
    maxLength: 10,
  }),
  changed: fc.nat(MODULES - 1),
});

/** Apart, so that nobody takes the texts that are written here for imports of this module. */
const LATER = 'import';
const HERE = 'import.meta.url';

function linkText({ to, way }: World['links'][number], index: number): string {
  const name = `'./m${to}.ts'`;
  switch (way) {
    case 'import':
      return `import { x as x${index} } from ${name};`;
    case 'export':
      return `export { x as y${index} } from ${name};`;
    case 'side effect':
      return `import ${name};`;
    case 'dynamic':
      return `export const d${index} = () => ${LATER}(${name});`;
    case 'asset':
      return `export const u${index} = new URL(${name}, ${HERE});`;
    case 'type':
      return `import type { T as T${index} } from ${name};`;
    case 'remark':
      return `// import { x } from ${name}; new URL(${name}, ${HERE})`;
  }
}

function textOf(module: number, { links }: World, isChanged: boolean): string {
  const lines = links.flatMap((link, index) => (link.from === module ? [linkText(link, index)] : []));
  return [...lines, `export const x: number = ${isChanged ? 1 : 0};`, 'export type T = number;', ''].join('\n');
}

/** Module -> what it hangs on, itself included. */
function reached(from: number, { links }: World): Set<number> {
  const seen = new Set([from]);
  for (const module of seen) {
    for (const link of links) {
      if (link.from === module && link.way !== 'type' && link.way !== 'remark') seen.add(link.to);
    }
  }
  return seen;
}

/** For every module as an entry: does its closure change exactly when something that it hangs on changes? */
export async function countWrongClosures(context: PartContext, world: World): Promise<number> {
  const folder = join(context.folder, 'world');
  mkdirSync(folder, { recursive: true });
  const pathOf = (module: number): string => join(folder, `m${module}.ts`);
  const modules = Array.from({ length: MODULES }, (_, module) => module);
  for (const module of modules) writeFileSync(pathOf(module), textOf(module, world, false));
  const digests = async (): Promise<string[]> => {
    const scanner = new ClosureScanner();
    const closures = await Promise.all(modules.map((module) => scanner.closureOf([pathOf(module)])));
    return closures.map(({ files }) => JSON.stringify([...files].toSorted(([a], [b]) => (a < b ? -1 : 1))));
  };
  const before = await digests();
  writeFileSync(pathOf(world.changed), textOf(world.changed, world, true));
  const after = await digests();
  rmSync(folder, { recursive: true });
  return modules.filter((module) => (before[module] !== after[module]) !== reached(module, world).has(world.changed))
    .length;
}

export const STALENESS_CASES = 4;

/** One of two claims hangs on a file two imports away; the other does not. */
export async function measureStaleness(context: PartContext): Promise<void> {
  const parts = { generated: 'survives', live: 'survives', oracle: 'survives' } as const;
  const project = new SmallProject(context, 'closure', [
    { stem: 'left', parts, faults: ['red'] },
    { stem: 'right', parts, faults: ['red'] },
  ]);
  project.edit('src/left.ts', 'export', "import { ONE } from './deep.ts';\nexport");
  project.edit('src/left.ts', 'x + x', 'ONE * (x + x)');
  project.write('src/deep.ts', 'export const ONE = 1;\n');
  await project.pv('falsify', '--all');
  const freshness = async (): Promise<string> => {
    const { left, right } = Object.fromEntries(await project.levels());
    return `${left?.freshness} ${right?.freshness}`;
  };
  const is = async (wanted: string, where: string): Promise<void> => {
    const found = await freshness();
    context.measure(found === wanted ? 0 : 1, `${where}: ${found}, not ${wanted}`);
  };
  await is('fresh fresh', 'after the run');
  project.edit('src/deep.ts', '= 1', '= 1.0');
  await is('stale fresh', 'two imports away');
  const why = await project.pv('why', claimId('left'));
  context.measure(why.stdout.includes('src/deep.ts') && !why.stdout.includes('src/left.ts') ? 0 : 1, 'pv why');
  const gate = await project.pv('gate');
  context.measure(gate.exitCode === 1 ? 0 : 1, `pv gate exits ${gate.exitCode}`);
}
