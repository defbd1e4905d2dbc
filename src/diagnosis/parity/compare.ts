// One position of two engines: how far apart, and how far the two declared profiles explain. Pure.
import { isFlat, logitRange } from '../../engine/text/sample.ts';
import { UNIT_F32 } from '../ops/constants.ts';
import { divergence, likeliest, logProbabilities } from './distributions.ts';
import type { SpreadRow } from './spread.ts';

/**
 * How many times the largest draw (spread.ts) a healthy difference may be. Engine and draws are alike, so where the
 * difference N is one normal number, the worst case, P(|N| > c·largest of 8) ≤ E(√(2/π)·|N|/c)^8 = 105·(0.8/c)^8:
 * 2.6e-4 per position for c = 4, 1e-6 for c = 8. docs/parity.md.
 */
const SUSPECT_RATIO = 4;
const DIFFERENT_RATIO = 8;

type PositionStatus = 'same' | 'suspect' | 'different' | 'not-compared';

/** One of the likeliest tokens that an engine names. */
export interface Alternative {
  /** null: no token of the model, or more than one, has its text. */
  id: number | null;
  text: string;
  logProbability: number;
}

/** One side and the exact run, in the metric of the position. */
interface FromExact {
  distance: number;
  /** What the side's own profile explains: SUSPECT_RATIO times its largest draw. */
  explained: number;
  /** Farther than DIFFERENT_RATIO times its largest draw: its profile is not what it computes, or it is wrong. */
  isFar: boolean;
}

export interface PositionParity {
  position: number;
  /** The token whose successor is judged. */
  token: number;
  status: PositionStatus;
  /** KL(theirs ‖ ours) in nats over the whole vocabulary; of the likeliest alone, the largest |Δ log p|. */
  distance: number;
  metric: 'kl' | 'logProbability';
  /** The distance that the two profiles explain: SUSPECT_RATIO times the largest draw. */
  explained: number;
  /** Beyond the largest draw, as at most one position in nine of a healthy engine is where formats are drawn. */
  isBeyondDraws: boolean;
  /** Of the alternatives; null with the whole vocabulary. */
  compared: { matched: number; given: number } | null;
  ours: number | null;
  theirs: number | null;
  /** Either side against the exact run, which neither has computed: who of the two is far. */
  fromExact: { ours: FromExact; theirs: FromExact };
  isSameTop: boolean;
  /** All logits of the exact run are equal, so that nothing but a broken engine could differ. */
  isFlat: boolean;
  /** Where the two choose differently: how far apart float64 has the two tokens, in logits, and the spread of that. */
  flip: { margin: number; spread: number; exact: number | null; counts: boolean } | null;
}

export function compareFull(
  row: SpreadRow,
  token: number,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
): PositionParity {
  const exact = logProbabilities(row.exact);
  const distance = divergence(logProbabilities(theirs), logProbabilities(ours));
  // √KL is a distance to first order (of Fisher's metric), so what either side explains adds up.
  const reach = (draws: readonly Float64Array[]): number =>
    Math.sqrt(Math.max(...draws.map((draw) => divergence(exact, logProbabilities(draw)))));
  const reaches = { ours: reach(row.ours), theirs: reach(row.theirs) };
  const root = reaches.ours + reaches.theirs;
  const choice = compareTops(row, likeliest(ours), likeliest(theirs));
  const fromExact = (logits: ArrayLike<number>, own: number): FromExact => {
    const away = divergence(exact, logProbabilities(logits));
    return { distance: away, explained: (SUSPECT_RATIO * own) ** 2, isFar: isBeyond(Math.sqrt(away), own) };
  };
  return {
    position: row.position,
    token,
    status: statusOf(Math.sqrt(distance), root, choice.flip),
    distance,
    metric: 'kl',
    explained: (SUSPECT_RATIO * root) ** 2,
    isBeyondDraws: !(Math.sqrt(distance) <= root),
    compared: null,
    isFlat: isFlat(logitRange(row.exact)),
    fromExact: { ours: fromExact(ours, reaches.ours), theirs: fromExact(theirs, reaches.theirs) },
    ...choice,
  };
}

/** Theirs is given by its likeliest tokens alone, best first. */
export function compareAlternatives(
  row: SpreadRow,
  token: number,
  ours: ArrayLike<number>,
  theirs: readonly Alternative[],
): PositionParity {
  const exact = logProbabilities(row.exact);
  const draws = [row.ours.map(logProbabilities), row.theirs.map(logProbabilities)];
  const own = logProbabilities(ours);
  // A log-probability that is computed in float32 is rounded at the size of the logits.
  const size = row.exact.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
  let [distance, reach, matched] = [0, 0, 0];
  const far = { ours: nowhere(), theirs: nowhere() };
  for (const { id, logProbability } of theirs) {
    if (id === null) continue;
    matched += 1;
    const away = Math.abs((own[id] ?? Number.NaN) - logProbability);
    const carried = draws.map((side) => largest(side.map((draw) => Math.abs((draw[id] ?? 0) - (exact[id] ?? 0)))));
    const [ofOurs, ofTheirs] = [carried[0] ?? 0, carried[1] ?? 0];
    const here = ofOurs + ofTheirs + UNIT_F32 * size;
    const from = (log: number | undefined): number => Math.abs((log ?? Number.NaN) - (exact[id] ?? Number.NaN));
    far.ours = farther(far.ours, from(own[id]), ofOurs + UNIT_F32 * size);
    far.theirs = farther(far.theirs, from(logProbability), ofTheirs + UNIT_F32 * size);
    if (!(away * reach <= distance * here) || matched === 1) [distance, reach] = [away, here];
  }
  const best = theirs[0]?.id ?? null;
  const choice = compareTops(row, likeliest(ours), best);
  return {
    position: row.position,
    token,
    status: matched === 0 ? 'not-compared' : statusOf(distance, reach, choice.flip),
    distance,
    metric: 'logProbability',
    explained: SUSPECT_RATIO * reach,
    isBeyondDraws: matched > 0 && !(distance <= reach),
    compared: { matched, given: theirs.length },
    isFlat: isFlat(logitRange(row.exact)),
    fromExact: far,
    ...choice,
  };
}

function nowhere(): FromExact {
  return { distance: 0, explained: 0, isFar: false };
}

/** The token that is farther beyond what is explained of it. */
function farther(most: FromExact, distance: number, reach: number): FromExact {
  if (distance * most.explained <= most.distance * SUSPECT_RATIO * reach && most.explained > 0) return most;
  return { distance, explained: SUSPECT_RATIO * reach, isFar: isBeyond(distance, reach) };
}

function isBeyond(distance: number, reach: number): boolean {
  return !(distance <= DIFFERENT_RATIO * reach);
}

function statusOf(distance: number, reach: number, flip: PositionParity['flip']): PositionStatus {
  if (flip?.counts === true || isBeyond(distance, reach)) return 'different';
  return distance <= SUSPECT_RATIO * reach ? 'same' : 'suspect';
}

function compareTops(
  { exact, ours: ourDraws, theirs: theirDraws }: SpreadRow,
  ours: number | null,
  theirs: number | null,
): Pick<PositionParity, 'ours' | 'theirs' | 'isSameTop' | 'flip'> {
  const isSameTop = ours !== null && ours === theirs;
  if (isSameTop || ours === null || theirs === null) return { ours, theirs, isSameTop, flip: null };
  const lead = (logits: Float64Array): number => (logits[ours] ?? Number.NaN) - (logits[theirs] ?? Number.NaN);
  const reach = (draws: readonly Float64Array[]): number =>
    largest(draws.map((draw) => Math.abs(lead(draw) - lead(exact))));
  const margin = Math.abs(lead(exact));
  const spread = SUSPECT_RATIO * (reach(ourDraws) + reach(theirDraws));
  return { ours, theirs, isSameTop, flip: { margin, spread, exact: likeliest(exact), counts: !(margin <= spread) } };
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
