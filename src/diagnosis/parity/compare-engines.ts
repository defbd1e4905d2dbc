// One parity run: what our engine made of the tokens against what another one did, position by position, with the spread
// that the two profiles explain, and the verdict over all of it. No files, no output.
import type { Op, Program } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { RefuteError } from '../../errors.ts';
import { compareAlternatives, compareFull, type PositionParity } from './compare.ts';
import type { Answer } from './outside-engine.ts';
import { parityVerdict, type ParityVerdict } from './parity-verdict.ts';
import type { ParityProfile } from './profiles.ts';
import { spreadRows } from './spread.ts';

export interface ParityOptions {
  /** The judge's own, from a source that a fault under test has not touched. */
  program: Program;
  weights: WeightSource;
  tokens: readonly number[];
  ours: { name: string; profile: ParityProfile; logits: Float32Array | Float64Array; rowCount: number };
  theirs: { name: string; profile: ParityProfile; answer: Answer; hasSameWeights: boolean };
  onProgress?: (op: Op, index: number, count: number) => void;
}

export interface ParityReport extends ParityVerdict {
  profiles: { ours: string; theirs: string };
  positions: PositionParity[];
}

/** @throws RefuteError E_PARITY_ROWS where an answer is not of this vocabulary and these tokens */
export async function compareEngines(options: ParityOptions): Promise<ParityReport> {
  const { program, weights, tokens, ours, theirs, onProgress } = options;
  const { vocabSize } = program;
  const { answer } = theirs;
  const theirRows = answer.kind === 'logits' ? answer.rowCount : answer.rows.length;
  assertRows(ours.name, ours.logits.length, ours.rowCount, options);
  assertRows(theirs.name, answer.kind === 'logits' ? answer.logits.length : theirRows * vocabSize, theirRows, options);
  const rowCount = Math.min(ours.rowCount, theirRows);
  const positions: PositionParity[] = [];
  const profiles = { ours: ours.profile, theirs: theirs.profile };
  const progress = onProgress === undefined ? {} : { onProgress };
  await spreadRows({ program, weights, tokens, rowCount, profiles, ...progress }, (row) => {
    const fromEnd = tokens.length - row.position;
    const rowOf = <Data extends Float32Array | Float64Array>(logits: Data): Data =>
      logits.subarray(logits.length - fromEnd * vocabSize, logits.length - (fromEnd - 1) * vocabSize) as Data;
    const token = tokens[row.position] ?? -1;
    const own = rowOf(ours.logits);
    positions.push(
      answer.kind === 'logits'
        ? compareFull(row, token, own, rowOf(answer.logits))
        : compareAlternatives(row, token, own, answer.rows[row.position] ?? []),
    );
  });
  return {
    ...parityVerdict(positions, { ours: ours.name, theirs: theirs.name, hasSameWeights: theirs.hasSameWeights }),
    profiles: { ours: ours.profile.name, theirs: theirs.profile.name },
    positions,
  };
}

function assertRows(place: string, length: number, rowCount: number, { program, tokens }: ParityOptions): void {
  if (rowCount >= 1 && rowCount <= tokens.length && length === rowCount * program.vocabSize) return;
  const is = `${length} logits in ${rowCount} rows`;
  const allowed = `${tokens.length} tokens of a vocabulary of ${program.vocabSize} are asked for`;
  throw new RefuteError({ code: 'E_PARITY_ROWS', place, is, allowed });
}
