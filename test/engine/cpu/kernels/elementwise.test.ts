// add, mul, add-bias and silu by hand and at their edges. The searches are FALSIFY-RESD-001, -002 and
// FALSIFY-SWIG-001, -002.
import { expect, it } from 'vitest';
import { GuardedMemory } from '../../../../falsifiers/kit/judges/guarded-memory.ts';
import { addBiasKernel } from '../../../../src/engine/cpu/kernels/add-bias.ts';
import { addKernel } from '../../../../src/engine/cpu/kernels/add.ts';
import { mulKernel } from '../../../../src/engine/cpu/kernels/mul.ts';
import { siluKernel } from '../../../../src/engine/cpu/kernels/silu.ts';

it('add and mul: element by element, NaN included', async () => {
  const memory = new GuardedMemory();
  const [left, right] = [
    [1, 2, 3, 4, 5],
    [10, -2, 0, Number.NaN, Infinity],
  ];
  const [a, b] = [memory.put(Float32Array.from(left)), memory.put(Float32Array.from(right))];
  const [sum, product] = [memory.room(5), memory.room(5)];
  (await addKernel.instantiate(memory.memory)).add(sum, a, b, 5);
  (await mulKernel.instantiate(memory.memory)).mul(product, a, b, 5);
  expect([...memory.read(sum, 5)]).toEqual([11, 0, 3, Number.NaN, Infinity]);
  expect([...memory.read(product, 5)]).toEqual([10, -4, 0, Number.NaN, Infinity]);
  expect(memory.brokenGuards()).toEqual([]);
});

it('addBias: the same numbers to every row', async () => {
  const memory = new GuardedMemory();
  const { addBias } = await addBiasKernel.instantiate(memory.memory);
  const [x, bias] = [memory.put(Float32Array.of(1, 2, 3, 4, 5, 6)), memory.put(Float32Array.of(10, 20, 30))];
  const out = memory.room(6);
  addBias(out, x, bias, 3, 2);
  expect([...memory.read(out, 6)]).toEqual([11, 22, 33, 14, 25, 36]);
  expect(memory.brokenGuards()).toEqual([]);
});

it('silu keeps zero, large values and NaN', async () => {
  const memory = new GuardedMemory();
  const x = Float32Array.of(0, -0, 100, 3e38, Infinity, Number.NaN, -200);
  const out = memory.room(x.length);
  (await siluKernel.instantiate(memory.memory)).silu(out, memory.put(x), x.length);
  expect([...memory.read(out, x.length)]).toEqual([0, -0, 100, Math.fround(3e38), Infinity, Number.NaN, -0]);
  expect(memory.brokenGuards()).toEqual([]);
});
