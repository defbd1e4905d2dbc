// The class of a GPU is its device, whatever memory and driver it has; the one in software has the class that claims require.
import { expect, it } from 'vitest';
import { adapterClass, environmentOf, SOFTWARE_CLASS } from '../../../src/runner/evidence/environment.ts';
import { SOFTWARE_ADAPTER } from '../../../src/runner/run/adapter.ts';
import { SOFTWARE } from '../../../src/gpu/node/webgpu-executor.ts';

it.each([
  ['google swiftshader swiftshader-device-subzero- SwiftShader driver 5.0.0', 'swiftshader'],
  ['nvidia hopper nvidia-h100-80gb-hbm3 NVIDIA: 570.86.10', 'nvidia-h100'],
  ['nvidia lovelace nvidia-geforce-rtx-4090 NVIDIA: 550.54', 'nvidia-geforce-rtx-4090'],
  ['apple metal-3 apple-m2-pro', 'apple-m2-pro'],
  ['apple metal-3', 'apple-metal-3'],
  ['unnamed adapter', 'unnamed-adapter'],
])('%s is %s', (adapter, name) => {
  expect(adapterClass(adapter)).toBe(name);
  expect(environmentOf({ executor: 'webgpu', adapter }).class).toBe(`webgpu.${name}`);
});

it('the adapter in software is the one that src/gpu knows by that name', () => {
  expect(SOFTWARE_ADAPTER).toBe(SOFTWARE);
  expect(SOFTWARE_CLASS).toBe('webgpu.swiftshader');
});
