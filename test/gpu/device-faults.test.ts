// What goes wrong on a device: it is lost, in every state that it can be in, or has no memory left. Each is an error of its own, nobody
// waits for ever, and no buffer stays.
import { describe, expect, it } from 'vitest';
import type { GpuDevice } from '../../src/gpu/device.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import { COPY_DST, MAP_READ, STORAGE } from '../../src/gpu/usage.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../cases/synthetic-model.ts';
import { openTestDevice } from './adapter.ts';

/** Embedding, norm and head: few kernels to compile. */
const program = syntheticProgram({ ...SMALL_CONFIG, layerCount: 0 });
const source = syntheticWeights(program, () => 'f16', 3);
const LOST = { code: 'E_GPU_LOST' };

async function openOn(gpu: GpuDevice) {
  const executor = await openWebgpuExecutor(gpu, program, source);
  return { executor, session: await executor.openSession(8) };
}

/** Buffers of the device that are there, from here on. */
function countBuffers(gpu: GpuDevice, refuse: (label: string) => boolean = () => false) {
  const live = new Set<string>();
  const create = gpu.device.createBuffer.bind(gpu.device);
  let number = 0;
  gpu.device.createBuffer = (descriptor) => {
    const label = descriptor.label ?? '';
    // What a device without memory does: an invalid buffer, and an error for whoever looks.
    const size = refuse(label) ? 2 ** 40 : descriptor.size;
    const buffer = create({ ...descriptor, size });
    const key = `${label} ${number++}`;
    live.add(key);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      live.delete(key);
      return destroy();
    };
    return buffer;
  };
  return live;
}

describe('a device that is lost', () => {
  it('while a kernel compiles', async () => {
    const gpu = await openTestDevice();
    const compiling = gpu.kernel('silu');
    gpu.device.destroy();
    await expect(compiling).rejects.toMatchObject(LOST);
    await expect(gpu.kernel('gelu')).rejects.toMatchObject(LOST);
  });

  it('while weights are loaded', async () => {
    const gpu = await openTestDevice();
    const live = countBuffers(gpu);
    const slow = {
      ...source,
      read: async (...args: Parameters<typeof source.read>) => {
        gpu.device.destroy();
        return source.read(...args);
      },
    };
    await expect(openWebgpuExecutor(gpu, program, slow)).rejects.toMatchObject(LOST);
    expect([...live]).toEqual([]);
  });

  it('between two runs, and while one runs', async () => {
    for (const isRunning of [false, true]) {
      const gpu = await openTestDevice();
      const live = countBuffers(gpu);
      const { executor, session } = await openOn(gpu);
      await session.run({ tokens: [1], logits: 'last' });
      if (!isRunning) gpu.device.destroy();
      const run = session.run({ tokens: [1, 2, 3], logits: 'all' });
      if (isRunning) gpu.device.destroy();
      await expect(run).rejects.toMatchObject(LOST);
      expect(session.positionCount).toBe(1);
      await expect(executor.openSession(4)).rejects.toMatchObject(LOST);
      await executor.close();
      expect([...live]).toEqual([]);
    }
  });

  it('while what comes back is mapped', async () => {
    const gpu = await openTestDevice();
    const staging = await gpu.buffer('staging', 1024, MAP_READ | COPY_DST);
    const reading = gpu.bytesOf(staging);
    gpu.device.destroy();
    await expect(reading).rejects.toMatchObject(LOST);
  });

  it('even where what it was asked never answers', async () => {
    const gpu = await openTestDevice();
    const waiting = gpu.guarded('nothing', 'E_GPU_RUN', () => new Promise(() => undefined));
    gpu.device.destroy();
    await expect(waiting).rejects.toMatchObject(LOST);
  });
});

describe('a device without memory', () => {
  it('says for which tensor, and keeps no buffer', async () => {
    const gpu = await openTestDevice();
    const head = program.weights.at(-1)?.name ?? '';
    const live = countBuffers(gpu, (label) => label === head);
    await expect(openWebgpuExecutor(gpu, program, source)).rejects.toMatchObject({
      code: expect.stringMatching(/^E_GPU_(MEMORY|BUFFER)$/),
      place: head,
    });
    expect([...live]).toEqual([]);
  });

  it('says for what of a session, and keeps no buffer of it', async () => {
    const gpu = await openTestDevice();
    const executor = await openWebgpuExecutor(gpu, program, source);
    const live = countBuffers(gpu, (label) => label === 'values 1');
    await expect(executor.openSession(8)).rejects.toMatchObject({ place: 'values 1' });
    expect([...live]).toEqual([]);
    await executor.close();
  });

  it('is told so by the device itself', async () => {
    const gpu = await openTestDevice();
    const size = gpu.bindingBytes;
    const buffers: GPUBuffer[] = [];
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 64; i++) buffers.push(await gpu.buffer(`tensor ${i}`, size, STORAGE));
    };
    const error: unknown = await fill().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'E_GPU_MEMORY', place: `tensor ${buffers.length}` });
    for (const buffer of buffers) buffer.destroy();
  });
});
