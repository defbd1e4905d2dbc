// Writers that die by SIGKILL at a chosen step of what they do to the file system, and what they leave behind.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { SmallProject } from '../kit/claims/evidence-project.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';

const HOOK = new URL('./kill.mjs', import.meta.url).href;
const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url));
const PV = fileURLToPath(new URL('../../bin/pv.js', import.meta.url));

/** More than one file takes; what is not reached is a writer that was left alone. */
const STEPS = 13;
export const WRITER_CASES: number = 2 * STEPS;

function run(cwd: string, argv: readonly string[], env: Record<string, string>): Promise<NodeJS.Signals | null> {
  return new Promise((settle, fail) => {
    const child = spawn(process.execPath, argv, { cwd, stdio: 'ignore', env: { ...process.env, ...env } });
    child.on('error', fail);
    child.on('close', (_, signal) => settle(signal));
  });
}

function isFilled(bytes: Uint8Array, count: number, byte: number): boolean {
  return bytes.length === count && bytes.every((value) => value === byte);
}

/** A new file is absent or whole, an existing one old or new, whenever its writer is killed. */
export async function measureWriters(context: PartContext): Promise<void> {
  const random = new SeededRandom(context.seed);
  for (const isNew of [true, false]) {
    let killed = 0;
    for (let step = 1; step <= STEPS; step++) {
      const path = join(context.folder, `${isNew}-${step}.json`);
      const [oldCount, newCount] = [1 + random.below(5_000), 1 + random.below(5_000)];
      if (!isNew) writeFileSync(path, Buffer.alloc(oldCount, 1));
      const argv = ['--import', HOOK, CHILD, path, String(newCount), '2'];
      if ((await run(context.folder, argv, { KILL_AT: String(step) })) === 'SIGKILL') killed += 1;
      const left = existsSync(path) ? readFileSync(path) : null;
      const isWhole = left === null ? isNew : isFilled(left, newCount, 2) || (!isNew && isFilled(left, oldCount, 1));
      // Hooks that kill nobody would show nothing: into a folder that is there, a writer takes seven steps.
      const isVain = step === STEPS && killed < 7;
      context.measure((isWhole ? 0 : 1) + (isVain ? 1 : 0), `step ${step} on ${isNew ? 'a new' : 'an old'} file`);
    }
  }
}

const SHARES = [0.15, 0.35, 0.55, 0.75, 0.95];
export const RUN_KILL_CASES: number = 1 + SHARES.length;

function files(project: SmallProject): Map<string, string> {
  const found = ['contracts', 'evidence']
    .filter((folder) => project.has(folder))
    .flatMap((folder) => readdirSync(project.path(folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))
    .map((entry): [string, string] => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(project.root.length), readFileSync(path, 'utf8')];
    });
  return new Map(found);
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, text]) => b.get(name) === text);
}

/** `pv falsify` killed on its way; then run again, to the bytes of a run that nobody killed. The clock stands still. */
export async function measureRuns(context: PartContext): Promise<void> {
  const make = (name: string): SmallProject => {
    const project = new SmallProject(context, name, []);
    for (const [stem, code] of [
      ['alpha', 0],
      ['beta', 3],
    ] as const)
      project.write(`contracts/${stem}-v1.yaml`, exitClaim(stem, code));
    return project;
  };
  const clock = { SOURCE_DATE_EPOCH: '1700000000' };
  const falsify = (project: SmallProject, env: Record<string, string>): Promise<NodeJS.Signals | null> =>
    run(project.root, ['--import', HOOK, PV, 'falsify', '--all'], { ...clock, ...env });

  const unkilled = make('unkilled');
  const before = files(unkilled);
  const log = join(context.folder, 'steps');
  await falsify(unkilled, { KILL_LOG: log });
  const after = files(unkilled);
  const steps = readFileSync(log, 'utf8').trimEnd().split('\n').length;
  const { exitCode } = await unkilled.pv('evidence', 'verify');
  context.measure(exitCode === 0 && after.size > before.size ? 0 : 1, `the unkilled run, ${steps} steps`);
  for (const share of SHARES) {
    const step = Math.max(1, Math.floor(share * steps));
    const project = make(`killed-${step}`);
    const signal = await falsify(project, { KILL_AT: String(step) });
    const left = files(project);
    const torn = [...left].filter(([name, text]) => text !== before.get(name) && text !== after.get(name));
    const lost = [...before.keys()].filter((name) => !left.has(name));
    await falsify(project, {});
    const wrong = torn.length + lost.length + (signal === 'SIGKILL' ? 0 : 1) + (isSame(files(project), after) ? 0 : 1);
    context.measure(wrong, `step ${step} of ${steps}: ${torn.length} torn, ${lost.length} lost`);
  }
}

function exitClaim(stem: string, code: number): string {
  return [
    'metadata: { version: "1.0.0", description: "exit codes", references: ["none"] }',
    'falsification_tests:',
    `  - id: TOY-${stem.toUpperCase()}-001 # a comment`,
    '    rule: "the program succeeds"',
    '    prediction: "exit code 0"',
    '    if_fails: "it does not"',
    `    run: [node, -e, "process.exit(${code})"]`,
    '',
  ].join('\n');
}
