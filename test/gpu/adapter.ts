// The adapter that this process finds, and one device on it for a test file: a machine without one fails here.
import { afterAll } from 'vitest';
import { GpuDevice, type DeviceOptions } from '../../src/gpu/device.ts';
import { openDawn } from '../../src/gpu/node/dawn.ts';

/** Call at the top of a test file. */
export async function openTestDevice(options: DeviceOptions = {}): Promise<GpuDevice> {
  const adapter = await openDawn().requestAdapter();
  if (adapter === null) throw new Error('there is no WebGPU adapter');
  const device = await GpuDevice.open(adapter, options);
  afterAll(() => device.close());
  return device;
}
