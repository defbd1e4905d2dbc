// Runs that are checked: no bit of a healthy engine changes, and kernels that write too far, forget a barrier or read what nobody wrote
// are seen. The faults are planted in the text of a kernel, on its way to the compiler.
import { describe, expect, it } from 'vitest';
import type { SyntheticConfig } from '../cases/synthetic-model.ts';
import type { OpenOptions } from '../../src/engine/program/executor.ts';
import { openModel } from '../../src/engine/model/open-model.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { GpuDevice } from '../../src/gpu/device.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../cases/synthetic-model.ts';
import { bitsOf, valuesOf, WITH_EXPERTS } from './models.ts';
import { SLOW } from '../slow.ts';
import { openTestDevice, sharedTestDevice } from './adapter.ts';

/** Embedding, norm and head: few kernels to compile. */
const NO_LAYERS: SyntheticConfig = { ...SMALL_CONFIG, layerCount: 0 };

/** Sums over lanes go through workgroup memory, too. */
const gpu = await sharedTestDevice({ subgroups: false });

it('a checked run gives the same bits, value by value: attention in a window, biases, norms of heads, experts', async () => {
  const checked = await valuesOf(gpu, WITH_EXPERTS, { isChecked: true });
  const unchecked = await valuesOf(gpu, WITH_EXPERTS, { isChecked: false });
  expect(unchecked.ofFew.length).toBeGreaterThan(50);
  expect(checked).toEqual(unchecked);
}, 180_000);

it.runIf(SLOW)(
  'a checked run gives the same bits on a trained model of another architecture: soft caps, norms after, a gated GELU',
  async () => {
    const model = await openModel('models/tiny/gemma2/model.gguf');
    const [checked, unchecked] = [await tokensOf(model, true), await tokensOf(model, false)];
    expect(unchecked).toHaveLength(12 * model.program.vocabSize);
    expect(checked).toEqual(unchecked);
    await model.close();
  },
);

/** Logits of many positions and then of a few, by bits. */
async function tokensOf({ program, weights }: Model, isChecked: boolean): Promise<number[]> {
  const executor = await openWebgpuExecutor(gpu, program, weights, { isChecked });
  const session = await executor.openSession(12);
  const many = await session.run({ tokens: [1, 2, 3, 4, 5, 6, 7, 8, 9], logits: 'all' });
  const few = await session.run({ tokens: [3, 2, 1], logits: 'all' });
  await executor.close();
  return [...bitsOf(many.logits), ...bitsOf(few.logits)];
}

/** What is compiled from here on is changed first. */
function plant(device: GpuDevice, label: RegExp, [what, by]: readonly [string, string]): { readonly count: number } {
  const planted = { count: 0 };
  const compile = device.device.createShaderModule.bind(device.device);
  device.device.createShaderModule = (descriptor) => {
    if (!label.test(descriptor.label ?? '')) return compile(descriptor);
    expect(descriptor.code.split(what)).toHaveLength(2);
    planted.count++;
    return compile({ ...descriptor, code: descriptor.code.replace(what, by) });
  };
  return planted;
}

/** Logits of a device of its own, on which `fault` is planted in the kernel of that label. */
async function logitsWith(label: RegExp, fault: readonly [string, string], options: OpenOptions) {
  const device = await openTestDevice({ subgroups: false });
  const planted = plant(device, label, fault);
  const program = syntheticProgram(NO_LAYERS);
  const executor = await openWebgpuExecutor(
    device,
    program,
    syntheticWeights(program, () => 'f16', 7),
    options,
  );
  const session = await executor.openSession(4);
  try {
    return (await session.run({ tokens: [3], logits: 'last' })).logits;
  } finally {
    expect(planted.count).toBe(1);
    await executor.close();
  }
}

const isFinite = (bits: number): boolean => (bits & 0x7f80_0000) !== 0x7f80_0000;

describe('a checked run sees', () => {
  it('a store one too far, by kernel and value', async () => {
    const fault = ['params.out_stride + group] = sum', 'params.out_stride + group + 1u] = sum'] as const;
    await expect(logitsWith(/^product/, fault, { isChecked: true })).rejects.toMatchObject({
      code: 'E_GPU_GUARD',
      place: 'kernel product f16',
      message: expect.stringContaining('beyond the end of lm_head'),
    });
    await expect(logitsWith(/^product/, fault, { isChecked: false })).resolves.toHaveLength(NO_LAYERS.vocabSize);
  });

  it.each<[string, RegExp, readonly [string, string]]>([
    [
      'a barrier that is missing',
      /^rmsnorm/,
      ['partials[thread] = value;\n  workgroupBarrier();', 'partials[thread] = value;'],
    ],
    ['a sum that nobody began', /^rmsnorm/, ['partials[thread] = value;', 'partials[thread] += value;']],
    [
      'rows that nobody wrote',
      /^product/,
      ['if (group == mine && thread', 'if (group == mine && group != 3u && thread'],
    ],
  ])('%s, as what is no number', async (_, label, fault) => {
    const logits = await logitsWith(label, fault, { isChecked: true });
    expect([...bitsOf(logits)].every(isFinite)).toBe(false);
  });
});
