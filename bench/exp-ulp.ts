// Measures the engine's e^x on every f32 whose result is neither 1, 0 nor infinite, against Math.exp in double.
// `node bench/exp-ulp.ts`; half a minute. The figure it prints is what the numeric profile may declare.
import { KernelMemory } from '../src/engine/cpu/kernels/kernel-memory.ts';
import { siluKernel } from '../src/engine/cpu/kernels/silu.ts';
import { ulpError } from '../test/cases/ulp.ts';

const SLICE = 1 << 20;

const memory = new KernelMemory();
const { exp } = await siluKernel.instantiate(memory.memory);
const pointer = memory.allocate(4 * SLICE);
const values = memory.floats(pointer, SLICE);
const bits = new Uint32Array(memory.memory.buffer, pointer, SLICE);
const inputs = new Float32Array(SLICE);

for (const [from, to] of [
  [-(2 ** -26), -104],
  [2 ** -26, 88.73],
]) {
  const [first = 0, last = 0] = new Uint32Array(Float32Array.of(from ?? 0, to ?? 0).buffer);
  let [worst, at, count] = [0, 0, 0];
  for (let start = first; start <= last; start += SLICE) {
    const size = Math.min(SLICE, last - start + 1);
    for (let i = 0; i < size; i++) bits[i] = start + i;
    inputs.set(values);
    exp(pointer, size);
    for (let i = 0; i < size; i++) {
      const [x = 0, y = 0] = [inputs[i], values[i]];
      const exact = Math.exp(x);
      // Beyond f32: both round to the same infinity.
      const error = exact > 3.4028235677973366e38 && y === Infinity ? 0 : ulpError(y, exact);
      if (!(error <= worst)) [worst, at] = [error, x];
      count++;
    }
  }
  console.log(`e^x, ${count} values from ${from} to ${to}: at most ${worst.toFixed(4)} ulp, at x = ${at}`);
}
