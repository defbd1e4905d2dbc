// Which adapter is taken, of those that this process sees.
import { expect, it } from 'vitest';
import { findAdapter } from '../../src/gpu/node/adapters.ts';

it('lists each adapter once, and takes one in software only by name', async () => {
  const { chosen, there } = await findAdapter();
  expect(new Set(there.map(({ name }) => name)).size).toBe(there.length);
  expect(chosen?.found ?? null).toEqual(there.find(({ isSoftware }) => !isSoftware) ?? null);
});

it('takes a part of a name in any case, of what WebGPU or the driver calls it', async () => {
  const { there } = await findAdapter('no such card');
  for (const { name } of there) {
    expect((await findAdapter(name.slice(1, -1).toUpperCase())).chosen?.found.name).toBe(name);
  }
  expect((await findAdapter('no such card')).chosen).toBeNull();
  expect(there.length).toBeGreaterThan(0);
});
