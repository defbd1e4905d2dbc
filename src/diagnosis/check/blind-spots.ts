// What an input could not have shown: faults that need something which this prompt, this model or this kind of run
// does not have. Said in every report, because a PASS is only about what was looked at.
import { ropeByLength } from '../../engine/config/rope-scaling.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { Program } from '../../engine/program/program.ts';
import { LEAST_POSITIONS_FOR_STEPS } from './run-plan.ts';

/** Of the run in the middle, `segmentsOf`. */
const SINGLE_STEPS = 4;

export function blindSpots(
  program: Program,
  tokens: readonly number[],
  { chunkPositions, batching }: Pick<NumericProfile, 'chunkPositions' | 'batching'>,
  isDump: boolean,
): string[] {
  const spots: string[] = [];
  const attention = program.ops.find((op) => op.op === 'attention');
  const count = tokens.length;
  if (count < 2) spots.push('one position: rotary angles are zero, and no position attends to another');
  if (attention?.op === 'attention') {
    const { window, kvHeadCount, headCount } = attention;
    if (window !== null && count <= window) spots.push(`the prompt is no longer than the sliding window of ${window}`);
    if (window === null) spots.push('the model has no sliding window');
    if (kvHeadCount === 1 || kvHeadCount === headCount) {
      spots.push(`${kvHeadCount} kv heads for ${headCount} heads: every mapping of heads to kv heads is alike`);
    }
  }
  if (chunkPositions === null) {
    spots.push('it is not known into which chunks the engine cuts a prompt: perhaps no boundary was crossed');
  } else if (count <= chunkPositions + SINGLE_STEPS) {
    spots.push(`${count} positions in one chunk: no chunk boundary was crossed`);
  }
  if (batching === 'per-shape') spots.push('the engine may compute other numbers of positions by other kernels');
  if (count < program.contextLength / 2) {
    spots.push(
      `positions up to ${count - 1} of ${program.contextLength}: long-context angles and scaling were not reached`,
    );
  }
  const unseen = otherFrequencies(program, count);
  if (unseen !== null) spots.push(unseen);
  if (isDump || count < LEAST_POSITIONS_FOR_STEPS) {
    spots.push('the prompt ran in one piece: single steps and truncation were not judged');
  }
  spots.push('sampling was not run');
  spots.push('the decoder of the weights judges by its own decode; bit-exact vectors of a second one are in the tests');
  spots.push(
    isDump
      ? 'the token ids are those of the dump: its tokenizer was not looked at'
      : 'the token ids are taken as right: the tokenizer was not looked at',
  );
  return spots;
}

/** Where frequencies depend on the length of the session, a run has used one of two sets. */
function otherFrequencies(program: Program, count: number): string | null {
  const found = ropeByLength(program, count);
  if (found === null) return null;
  const { type, originalContextLength: length, isBeyond } = found;
  const [within, beyond] =
    type === 'longrope'
      ? ['the short rope factors', 'the long rope factors']
      : ['theta as it is', 'a theta grown by dynamic scaling'];
  return isBeyond
    ? `more than ${length} positions: ${within}, of sessions within the original context, had no part in the run`
    : `no more than ${length} positions: ${beyond}, of sessions beyond the original context, had no part in the run`;
}
