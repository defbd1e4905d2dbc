// The verdict over all positions, and its sentence. A position that was not compared does not count as agreement.
import type { PositionParity } from './compare.ts';

export type ParityWord = 'PASS' | 'DIFFERENT' | 'INCONCLUSIVE';

/** With fewer positions, how many are beyond every draw says nothing. */
const LEAST_CROWD = 4;

export interface ParityVerdict {
  verdict: ParityWord;
  sentence: string;
  /** The first position that is different; null: none is. */
  at: PositionParity | null;
  counts: {
    positions: number;
    compared: number;
    same: number;
    suspect: number;
    different: number;
    /** Each by itself within what is explained, but beyond every draw; of a healthy engine about one in nine. */
    beyondDraws: number;
    sameTop: number;
    /** Choices that differ by less than the spread. */
    explainedFlips: number;
    /** Where that side is farther from float64 than its own profile explains. */
    oursFar: number;
    theirsFar: number;
  };
  /** Who is farther from the exact run of the program than its own profile explains; null: nobody. */
  far: 'ours' | 'theirs' | 'both' | null;
  /** Of the positions compared; null where there is none. */
  largest: PositionParity | null;
  meanDistance: number | null;
}

export function parityVerdict(
  positions: readonly PositionParity[],
  { ours, theirs, hasSameWeights }: { ours: string; theirs: string; hasSameWeights: boolean },
): ParityVerdict {
  const compared = positions.filter(({ status }) => status !== 'not-compared');
  const withStatus = (wanted: PositionParity['status']): PositionParity[] =>
    positions.filter(({ status }) => status === wanted);
  const [different, suspect] = [withStatus('different'), withStatus('suspect')];
  const flips = compared.filter(({ flip }) => flip !== null);
  const [at = null] = different;
  const counts = {
    positions: positions.length,
    compared: compared.length,
    same: withStatus('same').length,
    suspect: suspect.length,
    different: different.length,
    beyondDraws: compared.filter(({ isBeyondDraws }) => isBeyondDraws).length,
    sameTop: compared.filter(({ isSameTop }) => isSameTop).length,
    explainedFlips: flips.filter(({ flip }) => flip?.counts === false).length,
    oursFar: compared.filter(({ fromExact }) => fromExact.ours.isFar).length,
    theirsFar: compared.filter(({ fromExact }) => fromExact.theirs.isFar).length,
  };
  const far = farOf(counts);
  const largest = compared.reduce<PositionParity | null>(
    (most, position) => (most !== null && position.distance <= most.distance ? most : position),
    null,
  );
  const meanDistance =
    compared.length === 0 ? null : compared.reduce((sum, { distance }) => sum + distance, 0) / compared.length;
  const finish = (verdict: ParityWord, words: string): ParityVerdict => {
    const sentence = `${verdict}: ${words}.${farText(compared, far, { ours, theirs })}`;
    return { verdict, sentence, at, counts, far, largest, meanDistance };
  };

  if (at !== null) {
    const words = `${ours} and ${theirs} part at ${different.length} of ${compared.length} positions, first at position ${at.position} (token ${at.token}): ${said(at)}`;
    if (hasSameWeights) return finish('DIFFERENT', words);
    return finish('INCONCLUSIVE', `${words}; but nothing says that ${theirs} had the same weights`);
  }
  if (largest === null) return finish('INCONCLUSIVE', `nothing of ${theirs} could be compared`);
  if (compared.length < positions.length) {
    const words = `${theirs} could be compared at ${compared.length} of ${positions.length} positions only`;
    return finish('INCONCLUSIVE', words);
  }
  if (compared.every(({ isFlat }) => isFlat)) {
    const words = `all logits are equal at every position: there is nothing in which ${ours} and ${theirs} could agree`;
    return finish('INCONCLUSIVE', words);
  }
  const [doubtful] = suspect;
  if (doubtful !== undefined) {
    const words = `${ours} and ${theirs} are farther apart than their profiles explain at ${suspect.length} of ${compared.length} positions, first at position ${doubtful.position}: ${said(doubtful)}, not far enough to be sure`;
    return finish('INCONCLUSIVE', words);
  }
  if (compared.length >= LEAST_CROWD && counts.beyondDraws > compared.length / 2) {
    const words = `each position is within what is explained, but at ${counts.beyondDraws} of ${compared.length} ${ours} and ${theirs} are farther apart than every draw of their profiles, where one in nine is expected`;
    return finish('INCONCLUSIVE', words);
  }
  if (far !== null) {
    const words = `${ours} and ${theirs} are no farther apart than their profiles explain together, and yet not both are what they declare`;
    return finish('INCONCLUSIVE', words);
  }
  const notes = counts.explainedFlips === 0 ? '' : `, ${counts.explainedFlips} by another token within the spread`;
  const words = `${ours} and ${theirs} agree at ${counts.same} of ${positions.length} positions${notes}; at most ${said(largest)}`;
  return finish('PASS', words);
}

function farOf({ oursFar, theirsFar }: ParityVerdict['counts']): ParityVerdict['far'] {
  if (oursFar > 0 && theirsFar > 0) return 'both';
  return oursFar > 0 ? 'ours' : theirsFar > 0 ? 'theirs' : null;
}

/** The exact run tells which of the two is the one that is off. */
function farText(
  compared: readonly PositionParity[],
  far: ParityVerdict['far'],
  names: { ours: string; theirs: string },
): string {
  if (far === null) return '';
  const of = (side: 'ours' | 'theirs'): string => {
    const found = compared.filter(({ fromExact }) => fromExact[side].isFar);
    const [first] = found;
    if (first === undefined) return `${names[side]} is as near as its profile says`;
    const { distance, explained } = first.fromExact[side];
    const where = `at ${found.length} of ${compared.length} positions, first at position ${first.position}`;
    return `${names[side]} is far from this program in float64 ${where} (${figure(distance)}, where its own profile explains ${figure(explained)})`;
  };
  const [accused, other] = far === 'theirs' ? (['theirs', 'ours'] as const) : (['ours', 'theirs'] as const);
  return ` Of the two, ${of(accused)}; ${of(other)}.`;
}

function said({ distance, metric, explained, flip }: PositionParity): string {
  if (flip?.counts === true) {
    return `they choose differently across a float64 margin of ${figure(flip.margin)}, where ${figure(flip.spread)} is explained`;
  }
  const name = metric === 'kl' ? 'KL' : '|Δ log p|';
  return `${name} ${figure(distance)}, where ${figure(explained)} is explained`;
}

function figure(value: number): string {
  return value === 0 ? '0' : value.toPrecision(2);
}
