// The shared cases on WebGPU, on whatever adapter this process finds: a machine without one fails here.
import { expect, it } from 'vitest';
import { openNodeWebgpuExecutor } from '../../src/gpu/node/webgpu-executor.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import type { OpenExecutor } from '../../src/engine/program/executor.ts';
import { describeExecutor, describeSession } from '../cases/executor-cases.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../cases/synthetic-model.ts';
import { sharedTestDevice } from './adapter.ts';

const device = await sharedTestDevice();

const open: OpenExecutor = (program, weights, options) => openWebgpuExecutor(device, program, weights, options);

describeExecutor('webgpu', open);
describeSession('webgpu in a process of its own', (program, weights, options) =>
  openNodeWebgpuExecutor(program, weights, { ...options, adapter: device.name }),
);

it('refuses heads that its attention has no room for, where it would leave channels out', async () => {
  const rope = { ...SMALL_CONFIG.rope, rotaryDim: 520 };
  const program = syntheticProgram({
    ...SMALL_CONFIG,
    layerCount: 1,
    headCount: 1,
    kvHeadCount: 1,
    headDim: 520,
    rope,
  });
  const executor = await open(
    program,
    syntheticWeights(program, () => 'f16', 3),
  );
  await expect(executor.openSession(4)).rejects.toMatchObject({ code: 'E_GPU_HEAD' });
});
