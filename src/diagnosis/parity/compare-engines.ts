// One parity run: what our engine made of the tokens against what another one did, position by position, with the
// spread that the two profiles explain, and the verdict over all of it. No files, no output.
import { profileText, type NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { TensorTypeName } from '../../engine/formats/tensor-types.ts';
import type { Op, Program } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { RefuteError } from '../../errors.ts';
import { weightTypesOf } from '../reference/lane.ts';
import { compareAlternatives, compareFull, type PositionParity } from './compare.ts';
import type { Answer, OutsideEngine } from './outside-engine.ts';
import { parityVerdict, type ParityVerdict, type ParityWord } from './parity-verdict.ts';
import { spreadRows } from './spread.ts';

export interface ParityOptions {
  /** The judge's own, from a source that a fault under test has not touched. */
  program: Program;
  weights: WeightSource;
  tokens: readonly number[];
  ours: { name: string; profile: NumericProfile; logits: Float32Array | Float64Array; rowCount: number };
  theirs: { name: string; answer: Answer } & Pick<OutsideEngine, 'profiles' | 'hasSameWeights'>;
  signal?: AbortSignal | undefined;
  onProgress?: (op: Op, index: number, count: number) => void;
}

export interface ParityReport extends ParityVerdict {
  /** In words, of this model's weight types; `candidates`: all that were tried where theirs was inferred. */
  profiles: { ours: string; theirs: string; candidates: string[] | null };
  numericProfiles: { ours: NumericProfile; theirs: NumericProfile };
  positions: PositionParity[];
}

/**
 * Of several profiles of theirs, the first that explains every position is taken, and it is named.
 *
 * @throws RefuteError E_PARITY_ROWS where an answer is not of this vocabulary and these tokens
 */
export async function compareEngines(options: ParityOptions): Promise<ParityReport> {
  const { program, weights, tokens, ours, theirs, signal, onProgress } = options;
  const { vocabSize } = program;
  const { answer } = theirs;
  const theirRows = answer.kind === 'logits' ? answer.rowCount : answer.rows.length;
  assertRows(ours.name, ours.logits.length, ours.rowCount, options);
  assertRows(theirs.name, answer.kind === 'logits' ? answer.logits.length : theirRows * vocabSize, theirRows, options);
  const rowCount = Math.min(ours.rowCount, theirRows);
  const candidates = distinct(theirs.profiles, options);
  const positions = candidates.map((): PositionParity[] => []);
  const profiles = { ours: ours.profile, theirs: candidates };
  const progress = onProgress === undefined ? {} : { onProgress };
  await spreadRows({ program, weights, tokens, rowCount, profiles, signal, ...progress }, (rows) => {
    for (const [i, row] of rows.entries()) {
      const fromEnd = tokens.length - row.position;
      const rowOf = <Data extends Float32Array | Float64Array>(logits: Data): Data =>
        logits.subarray(logits.length - fromEnd * vocabSize, logits.length - (fromEnd - 1) * vocabSize) as Data;
      const token = tokens[row.position] ?? -1;
      const own = rowOf(ours.logits);
      positions[i]?.push(
        answer.kind === 'logits'
          ? compareFull(row, token, own, rowOf(answer.logits))
          : compareAlternatives(row, token, own, answer.rows[row.position] ?? []),
      );
    }
  });
  const names = { ours: ours.name, theirs: theirs.name, hasSameWeights: theirs.hasSameWeights };
  const reports = candidates.map((profile, i): ParityReport => {
    const found = positions[i] ?? [];
    return {
      ...parityVerdict(found, names),
      profiles: {
        ours: profileText(ours.profile),
        theirs: profileText(profile),
        candidates: candidates.length > 1 ? candidates.map(profileText) : null,
      },
      numericProfiles: { ours: ours.profile, theirs: profile },
      positions: found,
    };
  });
  const [best] = reports.toSorted((a, b) => rankOf(a) - rankOf(b) || a.counts.different - b.counts.different);
  if (best === undefined) throw new RangeError('an engine without a profile');
  return best;
}

const RANKS: readonly ParityWord[] = ['PASS', 'INCONCLUSIVE', 'DIFFERENT'];

function rankOf({ verdict }: ParityReport): number {
  return RANKS.indexOf(verdict);
}

/** With the activation formats that matter to this model; profiles that differ in others alone are one. */
function distinct(profiles: readonly NumericProfile[], { program, weights }: ParityOptions): NumericProfile[] {
  const types = weightTypesOf(program, weights);
  const found = profiles.map((profile): [string, NumericProfile] => {
    const activations = Object.fromEntries(
      Object.entries(profile.activations).filter(([type]) => types.has(type as TensorTypeName)),
    );
    const own = { ...profile, activations };
    return [JSON.stringify(own), own];
  });
  return [...new Map(found).values()];
}

function assertRows(place: string, length: number, rowCount: number, { program, tokens }: ParityOptions): void {
  if (rowCount >= 1 && rowCount <= tokens.length && length === rowCount * program.vocabSize) return;
  const is = `${length} logits in ${rowCount} rows`;
  const allowed = `${tokens.length} tokens of a vocabulary of ${program.vocabSize} are asked for`;
  throw new RefuteError({ code: 'E_PARITY_ROWS', place, is, allowed });
}
