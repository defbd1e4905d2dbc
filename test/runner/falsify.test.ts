// What is watched while a claim runs: the code that it may reach by name. A file that changes meanwhile must be noticed.
import { afterAll, expect, it } from 'vitest';
import { openProject } from '../../src/runner/contract/project.ts';
import { reachedBefore } from '../../src/runner/falsify.ts';
import { ToyProject } from './toys/toy-project.ts';

const toys = new ToyProject();
afterAll(() => toys.close());

it('of a claim without a receipt it is not known; of others it is what the receipt says', async () => {
  const claimOf = () => openProject(toys.root).contracts.flatMap(({ claims }) => claims)[0];
  const before = claimOf();
  if (before === undefined) throw new Error('the toys have claims');
  expect(reachedBefore(toys.root, before)).toBe(null);
  await toys.pv(['falsify', before.id]);
  expect(reachedBefore(toys.root, before)).toEqual({ programs: [], product: [] });
});
