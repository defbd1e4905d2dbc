// Tries to find a row of logits from which the product samples something else than its options say: another token than the
// likeliest, a set other than top-k and top-p define, frequencies that the exact probabilities do not give, or other
// tokens for the same seed. Not claimed: the order of the options (Transformers' and llama.cpp's differ; text/sample.ts).
import fc from 'fast-check';
import { RandomSource } from '../src/engine/text/random-source.ts';
import { GREEDY, sampleToken, type SamplingOptions } from '../src/engine/text/sample.ts';
import type { Falsifier, Part, PartContext } from '../src/runner/run/falsifier.ts';
import { keptSet, logitRows, probabilitiesOf, ranked, surpriseOf } from './sampling-v1/law.ts';
import { LIVE_RUNS, trainedRuns } from './kit/models/trained-stages.ts';
import { plants } from './kit/claims/plants.ts';

/** Rows of logits of the trained model: three positions of each run. */
const LIVE_ROWS = LIVE_RUNS * 3;

function liveRows(measure: (logits: Float32Array, context: PartContext, seed: number) => number): Part {
  return {
    needs: ['model:sums-2m'],
    planned: LIVE_ROWS,
    async run(context) {
      for (const { where, model, tokens, stage } of await trainedRuns(context)) {
        const logits = stage(null, 'lm_head');
        for (const row of [0, tokens.length >> 1, tokens.length - 1]) {
          const one = logits.slice(row * model.vocabSize, (row + 1) * model.vocabSize);
          context.measure(measure(one, context, context.seed + row), `${where}, position ${row}`);
        }
      }
    },
  };
}

function sample(logits: Float32Array, options: Partial<SamplingOptions>, random: RandomSource, recent: number[] = []) {
  return sampleToken(logits, recent, { ...GREEDY, ...options }, random);
}

/** 1 where greedy takes another token than the first of the greatest; NaN and infinite logits must be refused. */
function greedyMisses(logits: Float32Array, seed: number): number {
  const chosen = sample(logits, {}, new RandomSource(seed));
  const spoilt = [Number.NaN, Infinity].filter((bad) => {
    try {
      sample(logits.with(seed % logits.length, bad), {}, new RandomSource(seed));
      return true;
    } catch {
      return false;
    }
  });
  return (chosen === ranked(logits)[0] ? 0 : 1) + spoilt.length;
}

/** Answers what it is told, in [0, 1). */
class ToldSource extends RandomSource {
  unit = 0;
  constructor() {
    super(0);
  }
  override nextUnit(): number {
    return this.unit;
  }
}

/** Tokens that can be drawn and should not, and that cannot and should. */
function setDifferences(logits: Float32Array, temperature: number, topK: number, topP: number): number {
  const kept = keptSet(logits, temperature, topK, topP);
  if (kept === null) return 0;
  const random = new ToldSource();
  const drawn = new Set<number>();
  // The middle of every kept token's share, whichever of the two orders the shares are laid out in; and a grid.
  const units = [kept, kept.toSorted((a, b) => a - b)].flatMap((ids) => {
    let end = 0;
    return probabilitiesOf(logits, ids, temperature).map((probability) => {
      end += probability;
      return end - probability / 2;
    });
  });
  const grid = Array.from({ length: 64 }, (_, i) => i / 64);
  for (const unit of [...units, ...grid, 1 - 2 ** -53]) {
    random.unit = Math.min(unit, 1 - 2 ** -53);
    drawn.add(sample(logits, { temperature, topK, topP }, random));
  }
  // A token whose share is below the rounding of the sums may have no number left that draws it.
  const shares = probabilitiesOf(logits, kept, temperature);
  const missing = kept.filter((id, n) => (shares[n] ?? 0) > 1e-12 && !drawn.has(id));
  return missing.length + [...drawn].filter((id) => !kept.includes(id)).length;
}

const DRAWS = 3_000;
const MOST_BINS = 20;

/** How improbable DRAWS draws are: of one stream, or the first of as many seeds. Rare tokens are counted together. */
function drawSurprise(
  logits: Float32Array,
  { temperature, topK, topP }: Pick<SamplingOptions, 'temperature' | 'topK' | 'topP'>,
  seed: number,
  isOneStream: boolean,
): number {
  const kept = keptSet(logits, temperature, topK, topP);
  if (kept === null) return 0;
  const shares = probabilitiesOf(logits, kept, temperature);
  const bins = kept.slice(0, MOST_BINS);
  const rest = kept.length > MOST_BINS ? 1 - shares.slice(0, MOST_BINS).reduce((sum, share) => sum + share, 0) : 0;
  const counts = Array.from({ length: bins.length + 1 }, () => 0);
  const stream = new RandomSource(seed);
  for (let draw = 0; draw < DRAWS; draw++) {
    const token = sample(logits, { temperature, topK, topP }, isOneStream ? stream : new RandomSource(seed + draw));
    const bin = bins.indexOf(token);
    const at = bin < 0 ? bins.length : bin;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return surpriseOf(counts, [...shares.slice(0, MOST_BINS), rest]);
}

const TOKENS = 64;

/** Tokens that two samplers of one seed do not share; and 1 where two seeds share all of a flat row's. */
function repeatDifferences(logits: Float32Array, temperature: number, seeds: readonly [number, number]): number {
  const tokens = (seed: number, row: Float32Array): number[] => {
    const random = new RandomSource(seed);
    return Array.from({ length: TOKENS }, () => sample(row, { temperature }, random));
  };
  const [first, again] = [tokens(seeds[0], logits), tokens(seeds[0], logits)];
  const flat = new Float32Array(97);
  const isSame = seeds[0] !== seeds[1] && tokens(seeds[0], flat).join() === tokens(seeds[1], flat).join();
  return first.filter((token, i) => token !== again[i]).length + (isSame ? 1 : 0);
}

/** Output of M. O'Neill's pcg32 demo for seed 42 and stream 54, as published with the generator. */
const PCG32_DEMO = [0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e];

const options = fc.record({
  temperature: fc.constantFrom(1, 0.3, 0.7, 1.5, 4),
  topK: fc.constantFrom(0, 1, 2, 3, 7, 40),
  topP: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 0.99, noNaN: true })),
});

/** A row in which a token recurs, its history, and a penalty: the token that greedy takes by the definition. */
function penalisedMiss(logits: Float32Array, recent: readonly number[], repeatPenalty: number, lastN: number): number {
  const near = lastN === 0 ? [] : recent.slice(-lastN);
  const penalised = logits.map((logit, id) => {
    if (!near.includes(id)) return logit;
    return logit > 0 ? logit / repeatPenalty : logit * repeatPenalty;
  });
  const chosen = sample(logits, { repeatPenalty, repeatLastN: lastN }, new RandomSource(0), [...recent]);
  return chosen === ranked(penalised)[0] ? 0 : 1;
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-SAMP-001': {
    parts: {
      generated: {
        planned: 500,
        run: (context) =>
          context.search(fc.record({ logits: logitRows, seed: fc.nat() }), context.planned, ({ logits, seed }) =>
            greedyMisses(logits, seed),
          ),
      },
      live: liveRows((logits, _, seed) => greedyMisses(logits, seed)),
    },
    faults: plants`
      src/engine/text/sample.ts
      gross least: the least likely token is taken
      - (logits[id] ?? 0) > (logits[best] ?? 0)
      + (logits[id] ?? 0) < (logits[best] ?? 0)
      small last-of-equals: of equals the highest id is taken
      - (logits[id] ?? 0) > (logits[best] ?? 0)
      + (logits[id] ?? 0) >= (logits[best] ?? 0)
      small nan-accepted: logits that are NaN are not refused
      - if (!(logit < Infinity))
      + if (logit === Infinity)
    `,
  },
  'FALSIFY-SAMP-002': {
    parts: {
      generated: {
        planned: 60,
        run: (context) =>
          context.search(
            fc.record({ logits: logitRows, options, seed: fc.nat(), isOneStream: fc.boolean() }),
            context.planned,
            (input) => drawSurprise(input.logits, input.options, input.seed, input.isOneStream),
          ),
      },
      live: liveRows((logits, _, seed) =>
        drawSurprise(logits, { temperature: 1.5, topK: 0, topP: 1 }, seed, seed % 2 === 0),
      ),
    },
    faults: plants`
      src/engine/text/sample.ts
      gross temperature-multiplied: logits are multiplied by the temperature
      - - most) / temperature)
      + - most) * temperature)
      small draw-short: the last tenth of the shares is never drawn
      - random.nextUnit() * total
      + random.nextUnit() * total * 0.9
      src/engine/text/random-source.ts
      small seven-bits: a random number has 7 bits
      - this.nextUint32() >>> 5;
      + (this.nextUint32() >>> 25) << 20;
      src/engine/text/sample.ts
      small draw-short-in-live in live: as draw-short
      - random.nextUnit() * total
      + random.nextUnit() * total * 0.9
    `,
  },
  'FALSIFY-SAMP-003': {
    parts: {
      generated: {
        planned: 500,
        run: (context) =>
          context.search(fc.record({ logits: logitRows, options }), context.planned, ({ logits, options: chosen }) =>
            setDifferences(logits, chosen.temperature, chosen.topK, chosen.topP),
          ),
      },
      live: liveRows((logits, _, seed) => setDifferences(logits, 1, seed % 2 === 0 ? 5 : 0, 0.9)),
    },
    faults: plants`
      src/engine/text/sample.ts
      gross unnormalised: top-p is compared with weights that do not add up to 1
      - sum >= topP * total
      + sum >= topP
      small one-too-many: top-k keeps one token more
      - .slice(0, topK)
      + .slice(0, topK + 1)
      small ties-to-higher: of equals at the edge the higher id is kept
      - || a - b
      + || b - a
      small floor-too-high: tokens that top-p needs are left out beforehand
      - ((1 - topP) * total) / ids.length
      + ((1 - topP) * total) / 2
    `,
  },
  'FALSIFY-SAMP-004': {
    parts: {
      generated: {
        planned: 100,
        run: (context) =>
          context.search(
            fc.record({
              logits: logitRows,
              temperature: fc.constantFrom(1, 0.5, 2),
              seeds: fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()),
            }),
            context.planned,
            ({ logits, temperature, seeds }) => repeatDifferences(logits, temperature, seeds),
          ),
      },
      live: liveRows((logits, _, seed) => repeatDifferences(logits, 1, [seed, seed + 1])),
      oracle: {
        planned: PCG32_DEMO.length,
        async run(context) {
          context.oracle({ name: 'pcg32-demo of M. O’Neill', version: 'pcg-c-basic 0.9', digest: PCG32_DEMO.join() });
          const random = new RandomSource(42);
          for (const [n, expected] of PCG32_DEMO.entries()) {
            context.measure(random.nextUint32() === expected ? 0 : 1, `number ${n + 1} of seed 42, stream 54`);
          }
        },
      },
    },
    faults: plants`
      src/engine/text/random-source.ts
      gross unseeded: every seed is 0
      - BigInt(seed)
      + BigInt(0 * seed)
      src/engine/text/sample.ts
      small unrepeatable: one draw in fifty is not from the seed
      - random.nextUnit() * total
      + (Math.random() < 0.02 ? Math.random() : random.nextUnit()) * total
      src/engine/text/random-source.ts
      small other-stream in oracle: the generator is on another stream
      - const STREAM = 54n;
      + const STREAM = 55n;
    `,
  },
  'FALSIFY-SAMP-005': {
    parts: {
      generated: {
        planned: 500,
        run: (context) =>
          context.search(
            fc.record({
              logits: logitRows,
              recent: fc.array(fc.nat(23), { maxLength: 12 }),
              repeatPenalty: fc.constantFrom(1, 2, 0.5, 1.25),
              lastN: fc.constantFrom(0, 1, 2, 5, 64),
            }),
            context.planned,
            ({ logits, recent, repeatPenalty, lastN }) => penalisedMiss(logits, recent, repeatPenalty, lastN),
          ),
      },
      live: liveRows((logits) => penalisedMiss(logits, ranked(logits).slice(0, 5), 1.5, 64)),
    },
    faults: plants`
      src/engine/text/sample.ts
      gross sign-reversed: positive logits are multiplied, negative ones divided
      - logit > 0 ?
      + logit < 0 ?
      small history-one-short: the last tokens are one less than asked for
      - recent.slice(-repeatLastN)
      + recent.slice(-repeatLastN).slice(1)
    `,
  },
};
