// A numeric profile out of a manifest: ours as it was written, an older one as far as it was data, a broken one refused.
import { expect, it } from 'vitest';
import { parseProfile } from '../../../src/engine/capture/parse-profile.ts';
import { CPU_PROFILE } from '../../../src/engine/cpu/cpu-profile.ts';
import { UNDECLARED } from '../../../src/engine/program/numeric-profile.ts';
import { RefuteError } from '../../../src/errors.ts';

const parse = (json: object): object =>
  parseProfile(json as Record<string, unknown>, (is) => new RefuteError({ code: 'E_MANIFEST', place: 'here', is }));

it('is read as it was written', () => {
  const activations = { q4_k: 'q8_k' };
  expect(parse(JSON.parse(JSON.stringify({ ...CPU_PROFILE, activations })) as object)).toEqual({
    ...CPU_PROFILE,
    activations,
  });
});

it('of before, with sentences in it, is read as not declaring what they say', () => {
  const old = { activations: 'f32', accumulator: 'f32', kvCache: 'f32', expMaxUlp: 1, fusedMultiplyAdd: false };
  const words = { ropeTable: 'f64-rounded-to-f32', summation: 'along a row of n columns: …' };
  expect(parse({ ...old, ...words })).toEqual({ ...UNDECLARED, expMaxUlp: 1, fusedMultiplyAdd: false });
});

it.each([
  { storage: 'f8' },
  { expMaxUlp: Number.NaN },
  { quotientMaxUlp: -1 },
  { expMaxUlp: '1' },
  { chunkPositions: 0 },
  { activations: { q9_9: 'q8_0' } },
  { activations: { q4_0: 'q4_0' } },
  { summation: { kind: 'lanes', lanes: 4 } },
  { summation: null },
  { ropeTable: { ...CPU_PROFILE.ropeTable, sincosError: Infinity } },
])('with %j is refused', (broken) => {
  expect(() => parse({ ...CPU_PROFILE, ...broken })).toThrow(expect.objectContaining({ code: 'E_MANIFEST' }));
});
