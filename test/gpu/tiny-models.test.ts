// Every architecture on WebGPU, value by value, against the float64 executor: more positions than a tile takes at once, and
// then one by one. Each op within its budget is `apr check`'s affair.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openModel } from '../../src/engine/model/open-model.ts';
import type { Executor, FloatArray } from '../../src/engine/program/executor.ts';
import type { ValueId } from '../../src/engine/program/program.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import { openFloat64Executor } from '../../src/oracles/float64/float64-executor.ts';
import { sharedTestDevice } from './adapter.ts';

const TINY = fileURLToPath(new URL('../../models/tiny/', import.meta.url));
const MODELS = readdirSync(TINY).filter((name) => existsSync(`${TINY}${name}/model.gguf`));
const PROMPT = Array.from({ length: 40 }, (_, i) => 1 + ((7 * i) % 60));

const device = await sharedTestDevice();

async function valuesOf(executor: Executor<FloatArray>): Promise<Map<ValueId, number[]>> {
  const runs = [PROMPT.slice(0, executor.program.contextLength - 2), [5], [6]];
  const session = await executor.openSession(runs.flat().length);
  const taps = new Map<ValueId, number[]>();
  const onValue = (value: ValueId, data: FloatArray): void =>
    void taps.set(value, [...(taps.get(value) ?? []), ...data]);
  const tap = { values: new Set(executor.program.values.map(({ id }) => id)), onValue };
  for (const tokens of runs) await session.run({ tokens, logits: 'none', tap });
  await executor.close();
  return taps;
}

it('every architecture is here', () => {
  const names = ['llama', 'qwen2', 'qwen3', 'qwen3moe', 'gemma2', 'gemma3', 'phi3'];
  expect(names.filter((name) => !MODELS.includes(name))).toEqual([]);
});

it.each(MODELS)('%s takes at most 8 dispatches a layer and one submit for a token', async (name) => {
  const model = await openModel(`${TINY}${name}/model.gguf`);
  const executor = await openWebgpuExecutor(device, model.program, model.weights);
  const session = await executor.openSession(2);
  await session.runGreedy?.({ tokens: [1] });
  const { dispatches = 0, submits, mostPerLayer = 99 } = session.usage ?? {};
  expect(mostPerLayer).toBeLessThanOrEqual(8);
  expect(mostPerLayer).toBeGreaterThanOrEqual(6);
  // The embedding, its scale, the last norm, head and cap, and two for the likeliest token.
  expect(dispatches).toBeLessThanOrEqual(8 * model.program.layerCount + 7);
  expect(submits).toBe(1);
  await executor.close();
  await model.close();
});

it.each(MODELS)('%s has the values of the float64 executor', async (name) => {
  const model = await openModel(`${TINY}${name}/model.gguf`);
  const { program, weights } = model;
  const ours = await valuesOf(await openWebgpuExecutor(device, program, weights));
  const exact = await valuesOf(await openFloat64Executor(program, weights));
  expect(exact.size).toBe(program.values.length);
  const far = [...exact].filter(([value, expected]) => {
    const found = ours.get(value) ?? [];
    const away = Math.hypot(...expected.map((number, i) => (found[i] ?? Number.NaN) - number));
    return !(found.length === expected.length && away <= 1e-5 * Math.hypot(...expected));
  });
  expect(far.map(([value]) => value)).toEqual([]);
  await model.close();
});
