import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RandomSource } from '../../../src/engine/text/random-source.ts';
import { argmax, checkSampling, GREEDY, sampleToken, type SamplingOptions } from '../../../src/engine/text/sample.ts';

const logitsOf = fc
  .array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 40 })
  .map((values) => Float32Array.from(values));

function draw(logits: Float32Array, options: Partial<SamplingOptions>, seed = 1, recent: number[] = []): number {
  return sampleToken(logits, recent, { ...GREEDY, ...options }, new RandomSource(seed));
}

/** Ids by logit, ties by id: the slow, clear form. */
function ranked(logits: Float32Array): number[] {
  return Array.from(logits, (_, id) => id).toSorted((a, b) => logits[b]! - logits[a]! || a - b);
}

function probabilities(logits: Float32Array, ids: readonly number[], temperature: number): number[] {
  const most = Math.max(...ids.map((id) => logits[id]!));
  const weights = ids.map((id) => Math.exp((logits[id]! - most) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

test('greedy takes the greatest logit, of equals the lowest id', () => {
  expect(draw(Float32Array.of(1, 3, 3, 2), {})).toBe(1);
  expect(draw(Float32Array.of(-0, 0), {})).toBe(0);
  expect(draw(Float32Array.of(-Infinity, -5), {})).toBe(1);
  fc.assert(fc.property(logitsOf, (logits) => draw(logits, {}) === ranked(logits)[0]));
});

test('top-k 1 and a tiny temperature are greedy', () => {
  fc.assert(
    fc.property(logitsOf, fc.nat(), (logits, seed) => {
      expect(draw(logits, { temperature: 1, topK: 1 }, seed)).toBe(argmax(logits));
      const chosen = draw(logits, { temperature: 1e-300 }, seed);
      expect(logits[chosen]).toBe(logits[argmax(logits)]);
    }),
  );
});

test('a drawn token is among the top k, ties going to the lower id', () => {
  fc.assert(
    fc.property(logitsOf, fc.integer({ min: 1, max: 50 }), fc.nat(), (logits, topK, seed) => {
      expect(ranked(logits).slice(0, topK)).toContain(draw(logits, { temperature: 2, topK }, seed));
    }),
  );
});

test('a drawn token is in the smallest set that reaches top-p', () => {
  fc.assert(
    fc.property(logitsOf, fc.double({ min: 0.01, max: 0.999 }), fc.nat(), (logits, topP, seed) => {
      const temperature = 1.5;
      const ids = ranked(logits);
      let before = 0;
      const allowed = probabilities(logits, ids, temperature).flatMap((probability, i) => {
        // 1e-12: the two sums round differently.
        const isIn = i === 0 || before < topP + 1e-12;
        before += probability;
        return isIn ? [ids[i]!] : [];
      });
      expect(allowed).toContain(draw(logits, { temperature, topP }, seed));
    }),
  );
});

test('frequencies follow the softmax at the temperature', () => {
  const logits = Float32Array.of(0, 1, 2, -1);
  const temperature = 0.7;
  const random = new RandomSource(3);
  const counts = new Float64Array(4);
  const draws = 20_000;
  const options = { ...GREEDY, temperature };
  for (let i = 0; i < draws; i += 1) counts[sampleToken(logits, [], options, random)]! += 1;
  for (const [id, probability] of probabilities(logits, [0, 1, 2, 3], temperature).entries()) {
    const deviation = Math.sqrt(draws * probability * (1 - probability));
    expect(Math.abs(counts[id]! - draws * probability)).toBeLessThan(5 * deviation);
  }
});

test('a seed gives its draws again', () => {
  const logits = Float32Array.from({ length: 100 }, (_, id) => Math.sin(id));
  const options = { temperature: 1, topK: 20, topP: 0.9 };
  expect(draw(logits, options, 11)).toBe(draw(logits, options, 11));
});

test('a repeat penalty lowers recent tokens only, whatever their sign', () => {
  const logits = Float32Array.of(2, 1.5, -1);
  expect(draw(logits, { repeatPenalty: 2 }, 1, [0])).toBe(1);
  expect(draw(logits, { repeatPenalty: 2, repeatLastN: 1 }, 1, [0, 2])).toBe(0);
  expect(draw(Float32Array.of(-1, -1.5), { repeatPenalty: 2 }, 1, [0])).toBe(1);
  expect([...logits]).toEqual([2, 1.5, -1]);
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
