// SIGKILL at what `pv falsify` does to the file system, at every single step in `npm run test:slow` and at every seventh
// elsewhere: whatever moment it is, no file is broken, and the next run ends with the bytes of a run that nobody killed.
// Bytes can be compared because all runs are of one machine and SOURCE_DATE_EPOCH stands still (toy-project.ts): then
// receipts hold no time that differs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseReceipt } from '../../../src/runner/evidence/receipt.ts';
import { isReceiptName } from '../../../src/runner/evidence/paths.ts';
import { readContractText } from '../../../src/runner/contract/load-contract.ts';
import { SLOW } from '../../slow.ts';
import { ToyProject } from '../toys/toy-project.ts';

const PRELOAD = [
  '--import',
  fileURLToPath(new URL('../../../falsifiers/evidence-integrity-v1/kill.mjs', import.meta.url)),
];

/** Black-box claims, because a run of one costs next to nothing: one survives, one is refuted and leaves a counterexample. */
function smallProject(): ToyProject {
  const project = new ToyProject();
  project.remove('contracts');
  for (const [name, code] of [
    ['alpha', 0],
    ['beta', 3],
  ] as const) {
    project.write(
      `contracts/${name}-v1.yaml`,
      [
        'metadata: { version: "1.0.0", description: "exit codes", references: ["none"] }',
        `equations: { exit: { formula: "exit = 0" } }`,
        'falsification_tests:',
        `  - id: FALSIFY-${name.toUpperCase()}-001 # a comment`,
        '    rule: "the program succeeds"',
        '    prediction: "exit code 0"',
        '    if_fails: "it does not"',
        `    run: [sh, -c, "exit ${code}"]`,
        '',
      ].join('\n'),
    );
  }
  return project;
}

interface Scene {
  make: () => ToyProject;
  before: Map<string, string>;
  after: Map<string, string>;
  /** What was done to the file system, in order. */
  steps: string[];
  /** States of the disk from which a rerun was seen to end well. */
  recovered: Set<string>;
}

async function rehearse(make: () => ToyProject): Promise<Scene> {
  const project = make();
  try {
    const before = project.snapshot();
    await project.pv(['falsify', '--all'], { nodeArgv: PRELOAD, env: { KILL_LOG: project.path('steps') } });
    const steps = project.read('steps').trimEnd().split('\n');
    return { make, before, after: project.snapshot(), steps, recovered: new Set() };
  } finally {
    project.close();
  }
}

/** Every file below contracts/ and evidence/, half-written ones too, without the random part of their names. */
function diskState(project: ToyProject): string {
  const files = ['contracts', 'evidence']
    .filter((folder) => project.has(folder))
    .flatMap((folder) => readdirSync(project.path(folder), { recursive: true, withFileTypes: true }))
    .map((entry) => {
      const text = entry.isFile() ? readFileSync(join(entry.parentPath, entry.name), 'utf8') : 'folder';
      return [
        entry.parentPath.slice(project.root.length),
        entry.name.replace(/\.\d+\.[0-9a-f]{12}\.tmp$/, '.tmp'),
        text,
      ];
    });
  return JSON.stringify(files.map((file) => JSON.stringify(file)).toSorted());
}

/** Runs until step n, looks at what is left, runs again (once per state of the disk). */
async function killAt(step: number, { make, before, after, recovered }: Scene): Promise<void> {
  const project = make();
  try {
    const { signal } = await project.pv(['falsify', '--all'], { nodeArgv: PRELOAD, env: { KILL_AT: String(step) } });
    expect(signal, `step ${step}`).toBe('SIGKILL');
    const left = project.snapshot();
    for (const [name, text] of left) {
      const isWhole = text === before.get(name) || text === after.get(name);
      expect(isWhole, `${name} after step ${step} is neither old nor new`).toBe(true);
      if (name.startsWith('contracts/')) expect(readContractText(name, text).kind).toBe('contract');
      else if (isReceiptName(name.split('/').at(-1) ?? '')) parseReceipt(text, name);
    }
    const lost = [...before.keys()].filter((name) => !left.has(name));
    expect(lost, `step ${step}`).toEqual([]);
    const state = diskState(project);
    if (recovered.has(state)) return;
    recovered.add(state);
    await project.pv(['falsify', '--all']);
    expect(project.snapshot(), `rerun after step ${step}`).toEqual(after);
    expect(project.leftovers(), `step ${step}`).toEqual([]);
  } finally {
    project.close();
  }
}

async function killAtAll(steps: readonly number[], scene: Scene): Promise<void> {
  const waiting = [...steps];
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await killAt(step, scene);
  };
  await Promise.all([work(), work()]);
}

describe('pv falsify killed with SIGKILL', () => {
  let small: Scene;
  beforeAll(async () => {
    small = await rehearse(smallProject);
  });

  it('is killed around every write, flush and rename', () => {
    const counts = Object.groupBy(small.steps, (name) => name);
    // Two claims: receipt and findings each, a counterexample, two contracts.
    expect(counts['rename']).toHaveLength(7);
    expect(counts['appendFile']).toHaveLength(7);
    // Each file, and its folder.
    expect(counts['sync']).toHaveLength(14);
    expect(small.steps.length).toBeGreaterThanOrEqual(50);
  });

  it('leaves whole files, and a rerun gives the bytes of an unkilled run', async () => {
    const steps = small.steps.map((_, index) => index + 1);
    await killAtAll(
      steps.filter((step) => SLOW || step % 7 === 0),
      small,
    );
    expect(small.recovered.size).toBeGreaterThan(SLOW ? 20 : 5);
  }, 600_000);

  it('does so with searching falsifiers and planted faults too', async () => {
    const scene = await rehearse(() => new ToyProject());
    const steps = (SLOW ? [0.5, 1] : [0.5]).map((share) => Math.max(1, Math.floor(scene.steps.length * share)));
    await killAtAll(steps, scene);
  }, 300_000);
});
