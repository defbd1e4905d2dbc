// A child that answers and then does not end holds nobody up: it has happened, in the shutdown of Node itself.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runChild } from '../../../src/runner/run/run-child.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

it('takes the answer of a child that never ends', async () => {
  const folder = await temporaryFolder();
  const module = join(folder, 'endless.mjs');
  await writeFile(module, 'export const falsifiers = {};\nprocess.on("exit", () => { for (;;); });\n');
  const end = await runChild({ request: { type: 'describe', module }, cwd: folder, timeLimitMs: 600_000 });
  expect(end).toEqual({ type: 'description', description: {} });
});
