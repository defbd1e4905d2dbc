// Whether `--engine auto` looks for a GPU at all.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { whyNoGpu } from '../../src/gpu/node/may-have-gpu.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';

const scratch = await temporaryFolder();

it.each([
  ['nothing', [], false],
  ['a screen without a GPU', ['dri/card0', 'fb0', 'null'], false],
  ["one of Mesa's", ['dri/card0', 'dri/renderD128'], true],
  ["NVIDIA's", ['nvidia0', 'nvidiactl'], true],
  ["Windows' own under Linux", ['dxg'], true],
])('under Linux, with %s', async (_, devices, may) => {
  const folder = join(scratch, devices.join('-').replaceAll('/', '_') || 'none');
  await mkdir(join(folder, 'dri'), { recursive: true });
  for (const device of devices) await writeFile(join(folder, device), '');
  const why = await whyNoGpu('linux', folder);
  expect(why === null).toBe(may);
  if (!may) expect(why).toContain(`no ${folder}/dri/renderD*`);
});

it('elsewhere there may always be one', async () => {
  expect(await whyNoGpu('darwin', scratch)).toBeNull();
  expect(await whyNoGpu('win32', scratch)).toBeNull();
});
