// That the wrapper says what llama.cpp computes: shapes, normalisation, consistency with itself. What llama.cpp says
// about our engine is for falsifiers.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadLlamaCpp, type LlamaCppAvailability, type LlamaCppModel } from '../../../src/oracles/external/index.ts';

const MODEL = fileURLToPath(new URL('../../../models/sums-2m/sums-2m.f16.gguf', import.meta.url));
/** <|im_start|>user↵What is 2+2?<|im_end|>↵<|im_start|>assistant↵ */
const PROMPT = '<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n';

let loaded: LlamaCppAvailability;
let model: LlamaCppModel;

beforeAll(async () => {
  loaded = await loadLlamaCpp();
  if (loaded.available) model = await loaded.llama.openModel(MODEL, { contextLength: 64, kvCache: 'f32' });
});

afterAll(async () => {
  if (!loaded.available) return;
  await model.close();
  await loaded.llama.close();
});

test('names package and release for receipts', ({ skip }) => {
  if (!loaded.available) skip(loaded.reason);
  else expect(loaded.llama.version).toMatch(/^\S+ \(node-llama-cpp \d+\.\d+\.\d+, cpu\)$/);
});

test('answers the sum greedily, twice the same, without the end token', async ({ skip }) => {
  if (!loaded.available) skip(loaded.reason);
  const ids = model.tokenize(PROMPT, { parseSpecial: true });
  expect(ids).toHaveLength(15);
  const first = await model.greedy(ids, 8);
  expect(model.detokenize(first, { keepSpecial: true })).toBe('4');
  expect(await model.greedy(ids, 8)).toEqual(first);
  expect(await model.greedy(ids, 0)).toEqual([]);
});

test('gives every logit of every position, and probabilities that sum to 1', async ({ skip }) => {
  if (!loaded.available) skip(loaded.reason);
  const ids = model.tokenize(PROMPT, { parseSpecial: true });
  const logits = await model.logits(ids);
  const logProbabilities = await model.logProbabilities(ids);
  expect(logits).toHaveLength(ids.length * 768);
  for (let position = 0; position < ids.length; position += 1) {
    const row = logProbabilities.subarray(position * 768, (position + 1) * 768);
    expect(row.reduce((sum, logProbability) => sum + Math.exp(logProbability), 0)).toBeCloseTo(1, 12);
  }
  const last = logits.subarray(-768);
  expect([last.indexOf(last.reduce((a, b) => Math.max(a, b)))]).toEqual(await model.greedy(ids, 1));
});

test('refuses more positions than its context holds', async ({ skip }) => {
  if (!loaded.available) skip(loaded.reason);
  await expect(model.greedy([1], 64)).rejects.toThrow(expect.objectContaining({ code: 'E_ORACLE_CONTEXT' }));
});

test('a prompt that fills its context is evaluated whole: nothing is forgotten before the last position', async ({
  skip,
}) => {
  if (!loaded.available) return skip(loaded.reason);
  const ids = Array.from({ length: 256 }, (_, i) => (7 + 31 * i) % 768);
  const rows: Float32Array[] = [];
  for (const contextLength of [256, 300]) {
    const opened = await loaded.llama.openModel(MODEL, { contextLength, kvCache: 'f32' });
    rows.push((await opened.logits(ids)).subarray(-768));
    await opened.close();
  }
  expect(rows[0]).toEqual(rows[1]);
});
