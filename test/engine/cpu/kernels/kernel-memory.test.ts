import { readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { addKernel } from '../../../../src/engine/cpu/kernels/add.ts';
import { defineKernel } from '../../../../src/engine/cpu/kernels/define-kernel.ts';
import { KernelMemory, MAX_MEMORY_BYTES } from '../../../../src/engine/cpu/kernels/kernel-memory.ts';
import { refusal } from '../../../fixtures/refusal.ts';

const folder = new URL('../../../../src/engine/cpu/kernels/', import.meta.url);
const modules = readdirSync(folder).filter((name) => name.endsWith('.wasm'));

describe('kernel memory', () => {
  it('is refused by name in a page that is not cross-origin isolated', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    await refusal('E_CROSS_ORIGIN_ISOLATION', () => new KernelMemory());
    vi.unstubAllGlobals();
  });

  it('allocates at multiples of 64, never below 1024, never overlapping', () => {
    const memory = new KernelMemory();
    const lengths = [1, 64, 65, 200_000, 7];
    const pointers = lengths.map((length) => memory.allocate(length));
    expect(pointers).toEqual([1024, 1088, 1152, 1280, 201_280]);
    expect(memory.memory.buffer.byteLength).toBeGreaterThanOrEqual(201_280 + 7);
  });

  it('uses released memory again, neighbours joined', () => {
    const memory = new KernelMemory();
    const [a, b, c] = [memory.allocate(1000), memory.allocate(1000), memory.allocate(1000)];
    memory.release(b, 1000);
    memory.release(a, 1000);
    expect(memory.allocate(2048)).toBe(a);
    expect(memory.allocate(1)).toBeGreaterThan(c);
  });

  it('refuses what does not fit its limit, and stays usable', () => {
    const memory = new KernelMemory(128 * 1024);
    expect(() => memory.allocate(128 * 1024)).toThrow(expect.objectContaining({ code: 'E_MEMORY_FULL' }));
    expect(memory.allocate(64 * 1024)).toBe(1024);
  });

  it('never reaches 4 GiB, so that the end of a buffer is a 32-bit number', () => {
    expect(new KernelMemory(2 ** 40).byteLimit).toBe(MAX_MEMORY_BYTES);
    expect(MAX_MEMORY_BYTES).toBeLessThan(2 ** 32);
  });
});

describe('a kernel module', () => {
  it.each(modules)(
    '%s writes nothing from 1024 up when it is instantiated, and imports only a memory',
    async (name) => {
      const memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536, shared: true });
      new Uint8Array(memory.buffer).fill(0xa5);
      await defineKernel(new URL(name, folder)).instantiate(memory);
      expect(new Uint8Array(memory.buffer).subarray(1024).every((byte) => byte === 0xa5)).toBe(true);
    },
  );

  it('that is not built is an error that says what to run', async () => {
    const missing = defineKernel(new URL('no-such-kernel.wasm', folder));
    await expect(missing.instantiate(new KernelMemory().memory)).rejects.toMatchObject({
      code: 'E_KERNEL_MISSING',
      message: expect.stringContaining('npm run prepare'),
    });
  });

  it('works on several memories at once', async () => {
    const results = await Promise.all(
      [1, 2].map(async (term) => {
        const memory = new KernelMemory();
        const { add } = await addKernel.instantiate(memory.memory);
        const pointer = memory.allocate(4);
        memory.floats(pointer, 1)[0] = term;
        add(pointer, pointer, pointer, 1);
        return memory.floats(pointer, 1)[0];
      }),
    );
    expect(results).toEqual([2, 4]);
  });
});
