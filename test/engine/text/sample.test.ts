// Sampling by hand, and what is refused. The searches and the frequencies are FALSIFY-SAMP-001 to -005.
import { expect, test } from 'vitest';
import { RandomSource } from '../../../src/engine/text/random-source.ts';
import { checkSampling, GREEDY, sampleToken, type SamplingOptions } from '../../../src/engine/text/sample.ts';

function draw(logits: Float32Array, options: Partial<SamplingOptions>, seed = 1, recent: number[] = []): number {
  return sampleToken(logits, recent, { ...GREEDY, ...options }, new RandomSource(seed));
}

test('greedy takes the greatest logit, of equals the lowest id', () => {
  expect(draw(Float32Array.of(1, 3, 3, 2), {})).toBe(1);
  expect(draw(Float32Array.of(-0, 0), {})).toBe(0);
  expect(draw(Float32Array.of(-Infinity, -5), {})).toBe(1);
});

test('top-k 1 and a tiny temperature are greedy', () => {
  const logits = Float32Array.of(0.5, 3, -1, 2.9);
  for (const seed of [1, 2, 3]) {
    expect(draw(logits, { temperature: 1, topK: 1 }, seed)).toBe(1);
    expect(draw(logits, { temperature: 1e-300 }, seed)).toBe(1);
  }
});

test('a repeat penalty lowers recent tokens only, whatever their sign', () => {
  const logits = Float32Array.of(2, 1.5, -1);
  expect(draw(logits, { repeatPenalty: 2 }, 1, [0])).toBe(1);
  expect(draw(logits, { repeatPenalty: 2, repeatLastN: 1 }, 1, [0, 2])).toBe(0);
  expect(draw(Float32Array.of(-1, -1.5), { repeatPenalty: 2 }, 1, [0])).toBe(1);
  expect([...logits]).toEqual([2, 1.5, -1]);
});

test('the largest seed there is gives numbers in [0, 1)', () => {
  const random = new RandomSource(Number.MAX_SAFE_INTEGER);
  for (let i = 0; i < 8; i++) expect(Math.floor(random.nextUnit())).toBe(0);
});

test.each([
  ['NaN', Float32Array.of(0, Number.NaN)],
  ['+Infinity', Float32Array.of(0, Infinity)],
  ['-Infinity everywhere', Float32Array.of(-Infinity, -Infinity)],
])('%s among the logits is an error, not a token', (_, logits) => {
  for (const options of [{}, { temperature: 1 }]) {
    expect(() => draw(logits, options)).toThrow(expect.objectContaining({ code: 'E_LOGITS' }));
  }
});

test.each([
  ['temperature', -1],
  ['temperature', Number.NaN],
  ['temperature', Infinity],
  ['topK', -1],
  ['topK', 1.5],
  ['topP', 0],
  ['topP', 1.0001],
  ['topP', Number.NaN],
  ['repeatPenalty', 0],
  ['repeatLastN', -1],
] as const)('refuses %s = %d', (option, value) => {
  const options = { ...GREEDY, [option]: value };
  expect(() => checkSampling(options)).toThrow(expect.objectContaining({ code: 'E_SAMPLING' }));
});
