// Measures the ceilings of one core: f32 multiply-and-add from registers (roofline.as.ts), and reading from main memory.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileKernel } from '../scripts/compile-kernel.ts';
import { measureReadBandwidth } from '../src/engine/cpu/read-bandwidth.ts';
import { bestOf } from './best-of.ts';

export interface Roofline {
  flopsPerSecond: number;
  bytesPerSecond: number;
}

interface RooflineFunctions {
  multiplyAdd: (rounds: number, factor: number, term: number) => number;
}

const ROUNDS = 200_000;

export async function measureRoofline(): Promise<Roofline> {
  const { multiplyAdd } = await compile(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  const calculation = bestOf(20, () => multiplyAdd(ROUNDS, 0.5, 1));
  return { flopsPerSecond: (ROUNDS * 96) / calculation, bytesPerSecond: await measureReadBandwidth() };
}

async function compile(memory: WebAssembly.Memory): Promise<RooflineFunctions> {
  const folder = await mkdtemp(join(tmpdir(), 'refute-roofline-'));
  try {
    const output = join(folder, 'roofline.wasm');
    await compileKernel(fileURLToPath(new URL('.', import.meta.url)), 'roofline.as.ts', output);
    const { instance } = await WebAssembly.instantiate(await readFile(output), { env: { memory } });
    return instance.exports as unknown as RooflineFunctions;
  } finally {
    await rm(folder, { recursive: true });
  }
}
