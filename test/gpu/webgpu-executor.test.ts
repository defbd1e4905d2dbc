// The shared cases on WebGPU, on whatever adapter this process finds: a machine without one fails here.
import { afterAll } from 'vitest';
import { openDawn } from '../../src/gpu/node/dawn.ts';
import { openNodeWebgpuExecutor } from '../../src/gpu/node/node-executor.ts';
import { GpuDevice } from '../../src/gpu/device.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import type { OpenExecutor } from '../../src/engine/program/executor.ts';
import { describeExecutor, describeSession } from '../cases/executor-cases.ts';

const adapter = await openDawn().requestAdapter();
if (adapter === null) throw new Error('there is no WebGPU adapter');
const device = await GpuDevice.open(adapter);
afterAll(() => device.close());

const open: OpenExecutor = (program, weights, options) => openWebgpuExecutor(device, program, weights, options);

describeExecutor('webgpu', open);
describeSession('webgpu in a process of its own', (program, weights, options) =>
  openNodeWebgpuExecutor(program, weights, { ...options, adapter: device.name }),
);
