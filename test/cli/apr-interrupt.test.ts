// Ctrl-C while a model runs, as a process: the command ends within a step, with 130, and leaves no half-written file.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { LAUNCHER } from './apr-process.ts';

const scratch = await temporaryFolder();
const folder = fileURLToPath(new URL('../../models/sums-2m/', import.meta.url));
const model = `${folder}sums-2m.f16.gguf`;
/** Some seconds of double precision. */
const ids = Array.from({ length: 250 }, (_, i) => 20 + (i % 700)).join(',');
const capture = join(scratch, 'capture');

it.each([
  ['run', [model, '--tokens', ids, '--max-tokens', '5', '--engine', 'float64']],
  ['trace', [model, '--tokens', ids, '--engine', 'float64', '--save-tensor', 'all', '--save-tensor-dir', capture]],
  ['check', [model, '--tokens', ids]],
  ['parity', [model, '--tokens', ids, '--command', JSON.stringify([process.execPath, '-e', zeros(), '{tokens}'])]],
])('apr %s', async (command, args) => {
  const running = execa(process.execPath, [LAUNCHER, command, ...args], { reject: false, cwd: scratch });
  // The loader log comes before anything runs.
  await new Promise((resolve) => running.stderr.once('data', resolve));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const startMs = performance.now();
  running.kill('SIGINT');
  const { exitCode, stderr } = await running;
  expect({ exitCode, isSaid: /error|at .*\.ts/.test(stderr) }).toEqual({ exitCode: 130, isSaid: false });
  expect(performance.now() - startMs).toBeLessThan(2000);
  const left = await readdir(scratch, { recursive: true });
  expect(left.filter((name) => !/^capture($|\/(layer-\d+|[a-z_]+\.bin|layer-\d+\/[a-z_]+\.bin)$)/.test(name))).toEqual(
    [],
  );
});

/** Prints logits of a vocabulary of 768, all 0. */
function zeros(): string {
  return 'const n = process.argv[1].split(",").length; console.log(JSON.stringify({ logits: Array.from({ length: n }, () => Array(768).fill(0)) }))';
}
