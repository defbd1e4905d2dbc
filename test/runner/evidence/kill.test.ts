// SIGKILL at every single thing that `pv falsify` does to the file system: whatever moment it is, no file is broken, and
// the next run ends with the bytes of a run that nobody killed.
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseReceipt } from '../../../src/runner/evidence/receipt.ts';
import { isReceiptName } from '../../../src/runner/evidence/paths.ts';
import { readContractText } from '../../../src/runner/contract/load-contract.ts';
import { ToyProject } from '../toys/toy-project.ts';

const PRELOAD = ['--import', fileURLToPath(new URL('../toys/kill-preload.mjs', import.meta.url))];

/** Black-box claims, because a run of one costs next to nothing: one survives, one is refuted and leaves a counterexample. */
function smallProject(): ToyProject {
  const project = new ToyProject();
  project.remove('contracts');
  for (const [name, code] of [['alpha', 0], ['beta', 3]] as const) {
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
        `    run: [node, -e, "process.exit(${code})"]`,
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
  steps: number;
}

async function rehearse(make: () => ToyProject): Promise<Scene> {
  const project = make();
  try {
    const before = project.snapshot();
    await project.pv(['falsify', '--all'], { nodeArgv: PRELOAD, env: { KILL_COUNT: project.path('count') } });
    return { make, before, after: project.snapshot(), steps: Number(project.read('count')) };
  } finally {
    project.close();
  }
}

/** Runs until step n, looks at what is left, runs again. */
async function killAt(step: number, { make, before, after }: Scene): Promise<void> {
  const project = make();
  try {
    const { signal } = await project.pv(['falsify', '--all'], { nodeArgv: PRELOAD, env: { KILL_AT: String(step) } });
    expect(signal, `step ${step}`).toBe('SIGKILL');
    for (const [name, text] of project.snapshot()) {
      const isWhole = text === before.get(name) || text === after.get(name);
      expect(isWhole, `${name} after step ${step} is neither old nor new`).toBe(true);
      if (name.startsWith('contracts/')) expect(readContractText(name, text).kind).toBe('contract');
      else if (isReceiptName(name.split('/').at(-1) ?? '')) parseReceipt(text, name);
    }
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

  it('leaves whole files, and a rerun gives the bytes of an unkilled run, at every step', async () => {
    expect(small.steps).toBeGreaterThanOrEqual(50);
    await killAtAll(Array.from({ length: small.steps }, (_, index) => index + 1), small);
  }, 600_000);

  it('does so with searching falsifiers and planted faults too', async () => {
    const scene = await rehearse(() => new ToyProject());
    const steps = [0.2, 0.5, 0.8, 1].map((share) => Math.max(1, Math.floor(scene.steps * share)));
    await killAtAll(steps, scene);
  }, 300_000);
});
