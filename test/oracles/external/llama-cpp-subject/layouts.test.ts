// A build is driven only where everything that it says of itself is as in the table.
import { describe, expect, it, test } from 'vitest';
import { layoutOf, LAYOUTS } from '../../../../src/oracles/external/llama-cpp-subject/layouts.ts';
import { findPackageBuild } from '../../../../src/oracles/external/llama-cpp-subject/package-build.ts';

describe.each(LAYOUTS.map((layout) => [layout.commit, layout] as const))('build %s', (_, layout) => {
  it('is known by its own words, whatever follows them', () => {
    expect(layoutOf({ ...layout, contextDefaults: [...layout.contextDefaults, 7] })).toBe(layout);
  });

  it.each([
    ['another commit', { commit: 'fffffff' }],
    ['a tensor of another size', { tensorOverhead: layout.tensorOverhead + 8 }],
    ['another default of a context', { contextDefaults: layout.contextDefaults.with(1, 4096) }],
    ['a field more before the defaults', { contextDefaults: [0, ...layout.contextDefaults] }],
    ['another default of a model', { modelDefaults: layout.modelDefaults.with(4, 0) }],
    ['no defaults', { modelDefaults: [] }],
  ])('is not that of %s', (_name, change) => {
    expect(layoutOf({ ...layout, ...change })).toBeNull();
  });
});

test('on Linux x64 the package is there, with the builds of many processors', () => {
  const found = findPackageBuild();
  if (process.platform !== 'linux' || process.arch !== 'x64') return expect(found).toHaveProperty('absent');
  expect(found).toMatchObject({ release: expect.stringMatching(/^v/), packageVersion: expect.stringMatching(/^\d/) });
  expect(found).toHaveProperty('variants', expect.arrayContaining(['sse42', 'haswell', 'zen4']));
});

test('elsewhere it is absent, and says why', () => {
  expect(findPackageBuild({ platform: 'win32', arch: 'x64' })).toEqual({
    absent: 'its libraries are driven on Linux x64 only, this is win32 x64',
  });
});
