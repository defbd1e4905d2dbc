// rope with hand-made tables: which channels are a pair, and what is copied. The search against float64 is
// FALSIFY-ROPE-001.
import { expect, it } from 'vitest';
import { GuardedMemory } from '../../../../falsifiers/kit/judges/guarded-memory.ts';
import { ropeKernel } from '../../../../src/engine/cpu/kernels/rope.ts';

it.each([
  ['norm', [-2, 1, 3, 4, 5]],
  ['neox', [-3, 2, 1, 4, 5]],
] as const)('%s: a quarter turn of the first pair, none of the second, the rest copied', async (pairing, wanted) => {
  const memory = new GuardedMemory();
  const { rope } = await ropeKernel.instantiate(memory.memory);
  const [x, table] = [memory.put(Float32Array.of(1, 2, 3, 4, 5)), memory.put(quarterTurn())];
  const out = memory.room(5);
  rope(out, x, table, 1, 1, 5, 4, pairing === 'neox');
  expect([...memory.read(out, 5)]).toEqual(wanted);
  expect(memory.brokenGuards()).toEqual([]);
});

/** One row of cosines, then sines, of two pairs: 90 degrees and 0. */
function quarterTurn(): Float32Array {
  return Float32Array.of(0, 1, 1, 0);
}
