// A project of a few lines in a part's own folder, run through the real `pv`: what the claims about the harness look at
// live. Each contract has a product file, a falsifier and claims of its own, so that one can be touched without the others.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PartContext, ProgramResult } from '../../../src/runner/run/falsifier.ts';
import { ProjectFolder } from './project-folder.ts';

/** How one part of a toy falsifier goes: as promised, one case short, empty, refuted, refuted once, or in an error. */
type Course = 'survives' | 'short' | 'empty' | 'refuted' | 'flaky' | 'throws';
/** A planted fault that is noticed, one that changes nothing, one whose place is not there. */
type ToyFault = 'red' | 'green' | 'lost';

export interface ToyContract {
  stem: string;
  parts: { generated: Course; live?: Course; oracle?: Course };
  faults: readonly ToyFault[];
  canHaveOracle?: boolean;
  executors?: readonly string[];
  dependsOn?: readonly string[];
}

const FAULTS: Readonly<Record<ToyFault, string>> = {
  red: "find: 'x + x', replace: 'x + x + 1'",
  green: "find: 'x + x', replace: 'x + x + 0'",
  lost: "find: 'x * x', replace: 'x'",
};

export class SmallProject extends ProjectFolder {
  readonly #context: PartContext;

  constructor(context: PartContext, name: string, contracts: readonly ToyContract[]) {
    super(join(context.folder, name));
    this.#context = context;
    for (const contract of contracts) this.add(contract);
  }

  add(contract: ToyContract): void {
    const { stem } = contract;
    this.write(`src/${stem}.ts`, 'export function twice(x: number): number {\n  return x + x;\n}\n');
    this.write(`falsifiers/${stem}-v1.ts`, moduleText(contract));
    this.write(`contracts/${stem}-v1.yaml`, contractText(contract));
  }

  pv(...argv: string[]): Promise<ProgramResult> {
    return this.#context.program('pv', argv, { cwd: this.root });
  }

  /** Path of the one receipt of a contract's claim. */
  receiptOf(stem: string): string {
    const folder = `evidence/${stem}/${claimId(stem)}`;
    const names = readdirSync(this.path(folder)).filter((name) => name.startsWith('cpu.'));
    if (names.length !== 1) throw new Error(`${folder} holds ${names.length} receipts`);
    return `${folder}/${names[0]}`;
  }

  async levels(): Promise<Map<string, StatusLine>> {
    const { stdout } = await this.pv('status', '--json');
    const { claims } = JSON.parse(stdout) as { claims: (StatusLine & { contract: string })[] };
    return new Map(claims.map((line) => [line.contract.replace(/-v1$/, ''), line]));
  }
}

export interface StatusLine {
  level: string;
  word: string;
  freshness: 'fresh' | 'stale' | 'none';
  isMet: boolean;
}

export function claimId(stem: string): string {
  return `TOY-${stem.toUpperCase()}-001`;
}

function contractText({
  stem,
  faults,
  canHaveOracle = true,
  executors = ['cpu'],
  dependsOn = [],
}: ToyContract): string {
  const oracle = canHaveOracle ? [] : ['    outside_oracle: { possible: false, reason: "a toy" }'];
  return [
    '# A toy; this comment stays.',
    'metadata:',
    '  version: "1.0.0"',
    '  description: "Doubling."',
    '  references: ["arithmetic"]',
    `  depends_on: [${dependsOn.map((name) => `${name}-v1`).join(', ')}]`,
    'equations:',
    '  twice: { formula: "y = 2 x" }',
    'falsification_tests:',
    `  - id: ${claimId(stem)}`,
    '    rule: "doubling is exact"',
    '    prediction: "twice(x) = 2 x"',
    '    if_fails: "the product is wrong"',
    `    executors: [${executors.join(', ')}]`,
    '    bar: { metric: difference, comparator: "<=", threshold: 0, unit: integers, basis: "integers are exact" }',
    `    faults: [${faults.map((_, index) => `fault-${index}`).join(', ')}]`,
    ...oracle,
    '',
  ].join('\n');
}

function moduleText({ stem, parts, faults }: ToyContract): string {
  const courses = Object.entries(parts).map(([name, course]) => `${name}: ${partText(stem, course)},`);
  const planted = faults.map(
    (fault, index) =>
      `{ id: 'fault-${index}', title: 'toy', size: 'gross', inject: { kind: 'source', file: 'src/${stem}.ts', ${FAULTS[fault]} } },`,
  );
  return [
    "import { existsSync, writeFileSync } from 'node:fs';",
    `import { twice } from '../src/${stem}.ts';`,
    'const measure = (context, count, error = 0) => {',
    '  for (let x = 1; x <= count; x++) context.measure(Math.abs(twice(x) - 2 * x) + error, `x = ${x}`);',
    '};',
    'const isFirst = (name) => !existsSync(name) && (writeFileSync(name, ""), true);',
    `export const falsifiers = { '${claimId(stem)}': {`,
    '  parts: {',
    ...courses,
    '  },',
    `  faults: [${planted.join('\n')}],`,
    '} };',
    '',
  ].join('\n');
}

function partText(stem: string, course: Course): string {
  const run: Readonly<Record<Course, [planned: number, body: string]>> = {
    survives: [3, 'measure(context, 3)'],
    short: [3, 'measure(context, 2)'],
    empty: [0, ''],
    refuted: [3, 'measure(context, 3, 1)'],
    // The harness runs what was refuted once more: then it survives.
    flaky: [3, `measure(context, 3, isFirst('${stem}.seen') ? 1 : 0)`],
    throws: [3, 'throw new Error("toy")'],
  };
  const [planned, body] = run[course];
  return `{ planned: ${planned}, async run(context) { ${body} } }`;
}
