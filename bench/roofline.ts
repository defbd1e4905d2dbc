// Measures the ceilings of roofline.as.ts: f32 multiply-and-add from registers, and reading from main memory, one core.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileKernel } from '../scripts/compile-kernel.ts';
import { bestOf } from './best-of.ts';

export interface Roofline {
  flopsPerSecond: number;
  bytesPerSecond: number;
}

interface RooflineFunctions {
  multiplyAdd: (rounds: number, factor: number, term: number) => number;
  sweep: (pointer: number, byteLength: number) => number;
}

/** Larger than any cache that a benchmark machine is likely to have to itself. */
const SWEEP_BYTES = 256 * 2 ** 20;
const ROUNDS = 200_000;

export async function measureRoofline(): Promise<Roofline> {
  const memory = new WebAssembly.Memory({ initial: SWEEP_BYTES / 65_536 + 1, maximum: 65_536, shared: true });
  new Uint8Array(memory.buffer).fill(1);
  const { multiplyAdd, sweep } = await compile(memory);
  const calculation = bestOf(20, () => multiplyAdd(ROUNDS, 0.5, 1));
  const reading = bestOf(5, () => sweep(1024, SWEEP_BYTES));
  return { flopsPerSecond: (ROUNDS * 96) / calculation, bytesPerSecond: SWEEP_BYTES / reading };
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
