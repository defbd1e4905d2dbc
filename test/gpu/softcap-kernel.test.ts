// A softcap lets a NaN through, and makes the cap of infinity.
import { expect, it } from 'vitest';
import { openTestDevice } from './adapter.ts';
import { runKernel } from './run-kernel.ts';

const gpu = await openTestDevice();

it('a NaN stays one, infinities become the cap', async () => {
  const x = Float32Array.of(Number.NaN, Infinity, -Infinity, 0);
  const params = { quads: 1, out_at: 0, out_stride: 1, x_at: 0, x_stride: 1, cap: 30 };
  const { out } = await runKernel(gpu, {
    kernel: 'softcap',
    params,
    grid: [1],
    buffers: { x, out: new Float32Array(4) },
  });
  expect(out).toEqual(Float32Array.of(Number.NaN, 30, -30, 0));
});
