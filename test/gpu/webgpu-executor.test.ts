// The shared cases on WebGPU, on whatever adapter this process finds: a machine without one fails here.
import { openNodeWebgpuExecutor } from '../../src/gpu/node/webgpu-executor.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import type { OpenExecutor } from '../../src/engine/program/executor.ts';
import { describeExecutor, describeSession } from '../cases/executor-cases.ts';
import { openTestDevice } from './adapter.ts';

const device = await openTestDevice();

const open: OpenExecutor = (program, weights, options) => openWebgpuExecutor(device, program, weights, options);

describeExecutor('webgpu', open);
describeSession('webgpu in a process of its own', (program, weights, options) =>
  openNodeWebgpuExecutor(program, weights, { ...options, adapter: device.name }),
);
