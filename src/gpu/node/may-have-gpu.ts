// Whether this machine may have a real GPU, without starting anything: `--engine auto` must not make a start slow where there
// cannot be one. Never a reason to refuse an engine that is asked for.
import { readdir } from 'node:fs/promises';

/** What a driver of a real GPU opens under Linux: Mesa's drivers, NVIDIA's, WSL's, Adreno's and Mali's. */
const DEVICES = [/^renderD\d+$/, /^nvidia(\d+|ctl)$/, /^dxg$/, /^kgsl-3d\d+$/, /^mali\d+$/];

/** @returns why there is none; null: there may be one */
export async function whyNoGpu(platform: string = process.platform, devices = '/dev'): Promise<string | null> {
  // The others come with a driver for any GPU.
  if (platform !== 'linux') return null;
  const names = (await Promise.all([listed(devices), listed(`${devices}/dri`)])).flat();
  if (names.some((name) => DEVICES.some((device) => device.test(name)))) return null;
  return `there is no GPU here (no ${devices}/dri/renderD*, ${devices}/nvidia* or ${devices}/dxg)`;
}

/** A folder that cannot be read shows nothing to a driver either. */
function listed(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
