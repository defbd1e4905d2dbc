// The likeliest token, chosen on the device: the one that the logits give, ties and bad numbers included.
import { expect, it } from 'vitest';
import { argmax, logitRange } from '../../src/engine/text/sample.ts';
import { openWebgpuExecutor } from '../../src/gpu/webgpu-executor.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../cases/synthetic-model.ts';
import { sharedTestDevice } from './adapter.ts';

const device = await sharedTestDevice();

/** More logits than a workgroup looks through, in a number that no power of two divides. */
const config = { ...SMALL_CONFIG, layerCount: 1, vocabSize: 2_331, isTied: false };
const program = syntheticProgram(config);

/** Rows of the head as float32, changed by `edit`. */
async function openWith(edit: (head: Float32Array) => void) {
  const source = syntheticWeights(program, () => 'f32', 5);
  const name = program.weights.find(({ shape }) => shape[0] === config.vocabSize && shape.length === 2)?.name;
  const head = program.ops.findLast((op) => op.op === 'matmul');
  if (name === undefined || head?.op !== 'matmul') throw new Error('the program has no head');
  return openWebgpuExecutor(device, program, {
    info: (weight) => source.info(weight),
    read: async (weight, byteOffset, into) => {
      if (weight !== head.weight) return source.read(weight, byteOffset, into);
      const all = new Uint8Array(source.info(weight)?.byteLength ?? 0);
      await source.read(weight, 0, all);
      edit(new Float32Array(all.buffer));
      into.set(all.subarray(byteOffset, byteOffset + into.byteLength));
    },
  });
}

async function chosen(edit: (head: Float32Array) => void, tokens: readonly number[]) {
  const executor = await openWith(edit);
  const session = await executor.openSession(tokens.length);
  const { logits } = await session.run({ tokens, logits: 'last' });
  session.truncate(0);
  const greedy = await session.runGreedy?.({ tokens });
  expect(session.positionCount).toBe(tokens.length);
  await executor.close();
  return { logits, greedy };
}

it.each([
  ['one position', [3]],
  ['a few', [3, 4, 5]],
  ['many', Array.from({ length: 21 }, (_, i) => i)],
])('is the one of the logits after %s', async (_, tokens) => {
  const { logits, greedy } = await chosen(() => undefined, tokens);
  expect(greedy).toEqual({ firstPosition: 0, id: argmax(logits), ...logitRange(logits) });
});

it('is the lowest id among equals, wherever they are', async () => {
  const best = (await chosen(() => undefined, [9])).greedy?.id ?? 0;
  const equals = [2_330, 1_500, 700, 65];
  const { logits, greedy } = await chosen(
    (head) => {
      const columns = head.length / config.vocabSize;
      const row = head.slice(best * columns, (best + 1) * columns);
      for (const id of equals) head.set(row, id * columns);
    },
    [9],
  );
  expect(equals.map((id) => logits[id])).toEqual(equals.map(() => logitRange(logits).greatest));
  expect(greedy?.id).toBe(Math.min(best, ...equals));
});

it.each([Number.NaN, Infinity, -Infinity])('is nobody where a logit is %d, which the logits then show', async (bad) => {
  const { logits, greedy } = await chosen(
    (head) => {
      head[5 * (head.length / config.vocabSize)] = bad;
    },
    [9],
  );
  expect(Number.isFinite(logits[5])).toBe(false);
  expect(greedy?.id).toBeNull();
});
