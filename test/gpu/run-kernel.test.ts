// The harness of the kernel tests: it sees what a kernel writes where it must not.
import { expect, it } from 'vitest';
import { sharedTestDevice } from './adapter.ts';
import { packRows, runKernel, unpackRows } from './run-kernel.ts';

const gpu = await sharedTestDevice();
const params = { heads: 1, head_dim: 6, x_at: 0, x_stride: 2 };
const x = packRows([1, 2, 3, 4, 5, 6], { rows: 1, channels: 6 });
const run = { kernel: 'append', params, grid: [1] } as const;

it('answers every buffer as it is afterwards', async () => {
  const { out } = await runKernel(gpu, { ...run, buffers: { x, out: new Float32Array(8).fill(9) } });
  expect(out).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6, 0, 0));
});

it('a write beyond the end of a buffer is an error', async () => {
  const short = runKernel(gpu, { ...run, buffers: { x, out: new Float32Array(4) } });
  await expect(short).rejects.toThrow('append: out is written 0 words beyond its end');
});

it('a read beyond the end of a buffer is NaN', async () => {
  const { out } = await runKernel(gpu, { ...run, buffers: { x: x.slice(0, 4), out: new Float32Array(8) } });
  expect(out.subarray(0, 6)).toEqual(Float32Array.of(1, 2, 3, 4, Number.NaN, Number.NaN));
});

it('a binding without a buffer, a buffer without a binding and a parameter without a value are errors', async () => {
  const out = new Float32Array(8);
  await expect(runKernel(gpu, { ...run, buffers: { x } })).rejects.toThrow('binding out has no buffer');
  await expect(runKernel(gpu, { ...run, buffers: { x, out, y: x } })).rejects.toThrow('the kernel binds no y');
  const { heads: _, ...fewer } = params;
  await expect(runKernel(gpu, { ...run, params: fewer, buffers: { x, out } })).rejects.toThrow(
    'parameter heads has no value',
  );
});

it('a pad that is not 0 is an error', () => {
  const layout = { rows: 2, channels: 6, at: 1, stride: 3 };
  const packed = packRows(
    Array.from({ length: 12 }, (_, i) => i),
    layout,
  );
  expect([...unpackRows(packed, layout)]).toEqual(Array.from({ length: 12 }, (_, i) => i));
  packed[4 * 4 + 7] = 1;
  expect(() => unpackRows(packed, layout)).toThrow('row 1 has 1 at its pad 1');
});
