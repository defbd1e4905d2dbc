// The word that was probably meant: a slip, another spelling, and words too short or too far to guess from.
import { expect, test } from 'vitest';
import { nearest } from '../src/near-miss.ts';

test.each([
  ['tolerence', 'tolerance'],
  ['Tolerance', 'tolerance'],
  ['qa-gates', 'qa_gate'],
  ['kani_harness', 'kani_harnesses'],
  ['referneces', 'references'],
  ['gates', undefined],
  ['spec', undefined],
  ['run', undefined],
  ['tpye_invariants', 'type_invariants'],
])('near %s is %s', (word, expected) => {
  const known = ['tolerance', 'qa_gate', 'kani_harnesses', 'references', 'type_invariants', 'coq_spec', 'bar'];
  expect(nearest(word, known)).toBe(expected);
});
