// Every value of a small program, by its bits, on the ways that a run can take: one position by itself, a few, many, tapped and not. What
// two devices, or two ways to run, are compared by.
import type { GpuDevice } from '../../src/gpu/device.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights, type SyntheticConfig } from '../cases/synthetic-model.ts';

/** One layer with everything but a feed-forward of its own: biases, a window, norms of heads, experts. */
export const WITH_EXPERTS: SyntheticConfig = {
  ...SMALL_CONFIG,
  architecture: 'qwen3moe',
  layerCount: 1,
  hasQkNorm: true,
  experts: { count: 4, usedCount: 2, ffnDim: 12, isRenormalised: true },
};

/** A value, or the logits, by bits. */
export type Seen = readonly [string, Uint32Array<ArrayBuffer>];

const FEW = [3, 4, 5];
const MANY = Array.from({ length: 16 }, (_, i) => i);

export function bitsOf(data: Float32Array): Uint32Array<ArrayBuffer> {
  return new Uint32Array(Float32Array.from(data).buffer);
}

/** In the order in which they come: tapped values, and the logits of each run. Many come op by op, a few fused. */
export async function valuesOf(
  gpu: GpuDevice,
  config: SyntheticConfig,
  options: Parameters<typeof openWebgpuExecutor>[3] = {},
): Promise<{ ofMany: Seen[]; ofFew: Seen[] }> {
  const program = syntheticProgram(config);
  const executor = await openWebgpuExecutor(
    gpu,
    program,
    syntheticWeights(program, () => 'f16', 7),
    options,
  );
  const session = await executor.openSession(32);
  const seen: Seen[] = [];
  const onValue = (value: string, data: Float32Array): void => void seen.push([value, bitsOf(data)]);
  const tap = { values: new Set(program.values.map(({ id }) => id)), onValue };
  let manyEnd = 0;
  const run = async (tokens: readonly number[], isTapped: boolean): Promise<void> => {
    const { logits } = await session.run({ tokens, logits: 'all', ...(isTapped ? { tap } : {}) });
    seen.push(['logits', bitsOf(logits)]);
  };
  await run(MANY, true);
  manyEnd = seen.length;
  await run(FEW, false);
  await run(FEW, true);
  session.truncate(5);
  await run(FEW, true);
  seen.push(['greedy', Uint32Array.of((await session.runGreedy?.({ tokens: [1] }))?.id ?? 0xffff_ffff)]);
  await executor.close();
  return { ofMany: seen.slice(0, manyEnd), ofFew: seen.slice(manyEnd) };
}

/** As if the device took no more. */
export async function underBinding<Result>(
  gpu: GpuDevice,
  bytes: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = gpu.bindingBytes;
  gpu.bindingBytes = bytes;
  try {
    return await work();
  } finally {
    gpu.bindingBytes = before;
  }
}
