// The patch lines in which falsifiers write planted faults. A fault that was lost in reading would leave a claim with
// fewer than its author believes.
import { expect, it } from 'vitest';
import { plants } from '../../falsifiers/kit/claims/plants.ts';

it('reads file, size, id, part, title and both texts', () => {
  const faults = plants`
    src/a.ts
    gross one: all of it
    - x
    + y
    small two in live: a part: of it
    -   first
    - second
    +
  `;
  expect(faults).toEqual([
    {
      id: 'one',
      title: 'all of it',
      size: 'gross',
      inject: { kind: 'source', file: 'src/a.ts', find: 'x', replace: 'y' },
    },
    {
      id: 'two',
      title: 'a part: of it',
      size: 'small',
      part: 'live',
      inject: { kind: 'source', file: 'src/a.ts', find: '  first\nsecond', replace: '' },
    },
  ]);
});

it('refuses a line that is neither a file, a fault nor a text', () => {
  expect(
    () => plants`
    src/a.ts
    smal one: misspelt
    - x
    + y
  `,
  ).toThrow('smal one: misspelt');
  expect(
    () => plants`
    - x
  `,
  ).toThrow('- x');
});

it('refuses a fault without a text to replace', () => {
  expect(
    () => plants`
    src/a.ts
    small one: nothing stands there
    + y
  `,
  ).toThrow('one');
});
