// The process of the GPU, seen from outside: it answers, and where it dies its callers hear of it.
import { expect, it } from 'vitest';
import { GpuProcess } from '../../src/gpu/node/gpu-process.ts';

it('names its adapters', async () => {
  const gpu = new GpuProcess();
  expect(await gpu.ask({ type: 'find' })).toMatchObject({ there: [{ name: expect.stringMatching(/\w/) }] });
  gpu.close();
  await expect(gpu.ask({ type: 'find' })).rejects.toMatchObject({ code: 'E_EXECUTOR_CLOSED' });
});

it('rejects what it was asked when a driver takes it down, and everything after', async () => {
  const gpu = new GpuProcess();
  await gpu.ask({ type: 'find' });
  const asked = gpu.ask({ type: 'openSession', executor: 1, contextLength: 8 }).catch((error: Error) => error);
  const found = gpu.ask({ type: 'find' }).catch((error: Error) => error);
  process.kill(gpu.pid ?? 0, 'SIGSEGV');
  await Promise.all([asked, found]);
  await expect(gpu.ask({ type: 'find' })).rejects.toMatchObject({ code: 'E_GPU_DIED' });
});

it('passes errors on with their codes', async () => {
  const gpu = new GpuProcess();
  await expect(
    gpu.ask({ type: 'run', session: 7, firstPosition: 0, tokens: [1], logits: 'last', tapped: [] }),
  ).rejects.toThrow('there is no session 7');
  gpu.close();
});
