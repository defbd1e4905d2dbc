// One search: fast-check looks for an input beyond the bar and shrinks it. `fc.check` answers, it never throws; what
// its answer means (reference: executed below planned is not a pass, a filter that rejects everything is not a
// refutation) is decided here and in part-result.ts.
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { isWithin, isWorse, type Bar } from '../contract/bar.ts';
import { decodeValue, encodeValue } from './encode-value.ts';
import type { Failure, Measured, StoredCase } from './protocol.ts';

/** Shrinking ends after this many tries: a slow case must not eat the part's time limit. */
const SHRINK_TRIES = 2_000;
const SHRINK_TIME_MS = 60_000;

export interface SearchRequest<Input> {
  arbitrary: Arbitrary<Input>;
  count: number;
  measure: (input: Input) => number | Promise<number>;
  bar: Bar;
  seed: number;
  /** Number of this search within its part. */
  index: number;
  shrink: boolean;
  /** Tried first; not counted as executed. */
  replays: readonly StoredCase[];
  replayOnly: boolean;
  onCase: (value: number) => void;
}

export interface SearchOutcome {
  executed: number;
  discarded: number;
  replayed: number;
  worst: Measured | null;
  failure: Failure | null;
  thrown: { message: string; where: string } | null;
  isStarved: boolean;
}

class BeyondBar extends Error {
  readonly value: number;
  constructor(value: number) {
    super('beyond the bar');
    this.value = value;
  }
}

/** Runs the stored cases, then `count` generated ones, and stops at the first that is beyond the bar. */
export async function runSearch<Input>(request: SearchRequest<Input>): Promise<SearchOutcome> {
  const { arbitrary, count, seed, index } = request;
  const outcome: SearchOutcome = {
    executed: 0,
    discarded: 0,
    replayed: 0,
    worst: null,
    failure: null,
    thrown: null,
    isStarved: false,
  };
  for (const stored of request.replays) {
    const examples = stored.value === null ? [] : [[decodeValue(stored.value)] as [Input]];
    // By value where there is one: a path holds only for the same arbitrary and the same fast-check.
    const found = examples.length > 0 ? { examples } : { seed: stored.seed, path: stored.path };
    const details = await fc.check(new Trial(request).property(arbitrary), {
      ...found,
      numRuns: 1,
      endOnFailure: true,
    });
    outcome.replayed += details.numRuns;
    if (details.failed && applyFailure(outcome, request, details)) return outcome;
  }
  if (request.replayOnly) return outcome;

  const trial = new Trial(request);
  const details = await fc.check(trial.property(arbitrary), { seed, numRuns: count, endOnFailure: !request.shrink });
  outcome.executed = trial.executed;
  outcome.discarded = details.numSkips;
  outcome.worst = trial.worst === null ? null : { ...trial.worst, where: `search ${index}, ${trial.worst.where}` };
  if (details.failed && !applyFailure(outcome, request, details)) outcome.isStarved = true;
  return outcome;
}

/** False when the "failure" is only a filter that rejected too much. */
function applyFailure<Input>(
  outcome: SearchOutcome,
  request: SearchRequest<Input>,
  details: fc.RunDetails<[Input]>,
): boolean {
  if (details.counterexample === null) return false;
  const [input] = details.counterexample;
  const text = fc.stringify(input);
  const error: unknown = details.errorInstance;
  if (!(error instanceof BeyondBar)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    outcome.thrown = { message, where: text };
    return true;
  }
  outcome.failure = {
    kind: 'search',
    value: error.value,
    where: `search ${request.index}`,
    input: text,
    shrinks: details.numShrinks,
    stored: {
      search: request.index,
      seed: details.seed,
      path: details.counterexamplePath ?? '',
      value: encodeValue(input),
    },
  };
  return true;
}

/** One pass of fast-check over the cases: counts those before the first failure, and bounds the shrinking after it. */
class Trial<Input> {
  executed = 0;
  worst: Measured | null = null;
  readonly #request: SearchRequest<Input>;
  #shrinkTries = 0;
  #failedAtMs: number | null = null;

  constructor(request: SearchRequest<Input>) {
    this.#request = request;
  }

  property(arbitrary: Arbitrary<Input>): fc.IAsyncProperty<[Input]> {
    return fc.asyncProperty(arbitrary, (input) => this.#runCase(input));
  }

  async #runCase(input: Input): Promise<void> {
    const { bar, measure, onCase } = this.#request;
    const isShrinking = this.#failedAtMs !== null;
    if (isShrinking && this.#isShrinkSpent()) return;
    try {
      const value = await measure(input);
      if (!isShrinking) {
        this.executed += 1;
        if (this.worst === null || isWorse(bar, value, this.worst.value)) {
          this.worst = { value, where: `case ${this.executed}` };
        }
        onCase(value);
      }
      if (!isWithin(bar, value)) throw new BeyondBar(value);
    } catch (error) {
      if (!fc.PreconditionFailure.isFailure(error)) this.#failedAtMs ??= performance.now();
      throw error;
    }
  }

  #isShrinkSpent(): boolean {
    this.#shrinkTries += 1;
    return this.#shrinkTries > SHRINK_TRIES || performance.now() - (this.#failedAtMs ?? 0) > SHRINK_TIME_MS;
  }
}
