// The adapter that this process finds, and devices on it: a machine without one fails here.
import { afterAll } from 'vitest';
import { GpuDevice, type DeviceOptions } from '../../src/gpu/device.ts';
import { anyAdapter } from '../../src/gpu/node/adapters.ts';

const shared = new Map<string, Promise<GpuDevice>>();

/** One that a test file has to itself. Call at the top of it, or in a test. */
export async function openTestDevice(options: DeviceOptions = {}): Promise<GpuDevice> {
  const device = await open(options);
  afterAll(() => device.close());
  return device;
}

/** One for all who ask for it with the same options, whose kernels are compiled once: nobody may change or lose it. */
export async function sharedTestDevice(options: DeviceOptions = {}): Promise<GpuDevice> {
  const key = JSON.stringify(options);
  const device = shared.get(key) ?? open(options);
  shared.set(key, device);
  return device;
}

async function open(options: DeviceOptions): Promise<GpuDevice> {
  const adapter = await anyAdapter();
  if (adapter === null) throw new Error('there is no WebGPU adapter');
  return GpuDevice.open(adapter, options);
}
