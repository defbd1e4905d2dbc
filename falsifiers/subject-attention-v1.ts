// Tries to find attention of a healthy engine that its own format does not explain, and attention of an engine with a bug, or
// in another format, that is explained. The engine is written plainly in float32 and halves, or ggml's own ops are it.
import fc from 'fast-check';
import { attentionText } from '../src/engine/program/numeric-profile.ts';
import type { Falsifier, PartContext } from '../src/runner/run/falsifier.ts';
import { valuesRecipe, type ValuesRecipe } from './kit/arbitraries/kernel-values.ts';
import { plants } from './kit/claims/plants.ts';
import { LAYERS, LIVE_RUNS, trainedRuns, type StageRun } from './kit/models/trained-stages.ts';
import { ggmlAttentionBuilds, type GgmlAttentionBuild } from './kit/oracles/ggml-attention.ts';
import { plainAttention } from './kit/references/plain-attention.ts';
import type { AttentionBug, AttentionShape, PlainFormat } from './kit/references/plain-attention.ts';
import { GGML_ENGINES, type GgmlEngine } from './subject-attention-v1/ggml-engines.ts';
import { inputOf, KNOWN, ratiosOf, type AttentionInput } from './subject-attention-v1/trial.ts';

const values = valuesRecipe([0, -2], [0, -0, 2 ** -149, 1, -1]);
const recipes = {
  values: fc.tuple(values, values, values),
  isBackward: fc.boolean(),
  shape: fc
    .record({
      headDim: fc.constantFrom(32, 64, 96, 128),
      kvHeadCount: fc.integer({ min: 1, max: 2 }),
      group: fc.integer({ min: 1, max: 3 }),
      rowCount: fc.integer({ min: 1, max: 3 }),
      earlier: fc.integer({ min: 0, max: 40 }),
      window: fc.option(fc.integer({ min: 1, max: 9 })),
      softcap: fc.option(fc.constantFrom(2, 30)),
      isOwnScale: fc.boolean(),
    })
    .map(({ headDim, kvHeadCount, group, rowCount, earlier, window, softcap, isOwnScale }): AttentionShape => {
      const heads = { headCount: group * kvHeadCount, kvHeadCount, headDim };
      // One scale that is no power of two, for heads of any size.
      const scale = isOwnScale ? 0.11 : 1 / Math.sqrt(headDim);
      const rows = { rowCount, positionCount: earlier + rowCount };
      return { ...heads, ...rows, window, scale, ...(softcap !== null && { softcap }) };
    }),
};

/** Of a batch, which llama.cpp computes otherwise from 64 rows on. */
const BATCH = 64;

const ofFloat32 = KNOWN.filter(({ storage }) => storage === 'f32');
const trained = LIVE_RUNS * LAYERS;

const explained: Falsifier = {
  parts: {
    generated: {
      planned: 300,
      run: (context) =>
        context.search(
          fc.record({ ...recipes, format: fc.constantFrom(...KNOWN) }),
          context.planned,
          ({ shape, format, isBackward, values: of }) =>
            explainedBy(context, inputOf(shape, format.storage, of), format, isBackward),
        ),
    },
    live: {
      needs: ['model:sums-2m'],
      planned: trained * ofFloat32.length,
      async run(context) {
        for (const { where, input } of await trainedInputs(context)) {
          for (const format of ofFloat32) {
            context.measure(explainedBy(context, input, format, false), `${where}, ${nameOf(format)}`);
          }
        }
      },
    },
    oracle: {
      needs: ['oracle:llama.cpp'],
      planned: 30,
      async run(context) {
        const { version, builds } = ggmlAttentionBuilds();
        context.oracle({ name: 'ggml', version });
        const recipe = fc.record({ ...recipes, engine: fc.constantFrom(...GGML_ENGINES), isBatch: fc.boolean() });
        await context.search(recipe, context.planned, ({ shape, engine, isBatch, values: of }) => {
          const wide = isBatch ? { ...shape, rowCount: BATCH, positionCount: BATCH + 3 } : shape;
          const input = inputOf(wide, 'f32', of);
          const format = engine.formatOf(wide);
          return Math.max(...builds.map(({ attend }) => ratiosOf(engine.attend(attend, input), input, format).proven));
        });
      },
    },
  },
  faults: plants`
    src/diagnosis/reference/attention-mix.ts
    gross probabilities-kept: probabilities are not rounded before they meet the values
    - [round(weight.lo), round(weight.hi)]
    + [middle, middle]
    small one-neighbour: of two probabilities that are right the lower one is taken alone
    - [round(weight.lo), round(weight.hi)]
    + [round(weight.lo), round(weight.lo)]
    small fade-kept: sums are not rounded where a new largest score fades them
    - this.hi[c] = round(high + unit * Math.abs(high));
    + this.hi[c] = high;
    gross probabilities-kept-in-live in live: probabilities are not rounded before they meet the values
    - [round(weight.lo), round(weight.hi)]
    + [middle, middle]
    gross sums-kept-in-oracle in oracle: sums are not rounded after each key
    - this.hi[c] = round(hi + unit * Math.abs(hi) + slack);
    + this.hi[c] = hi;
    src/diagnosis/reference/round-to-half.ts
    gross halves-truncated: the bits that do not fit are cut off
    - word + half - 1 + ((word >>> dropped) & 1)
    + word
    src/diagnosis/reference/turned-heads.ts
    small values-turned-as-keys: values are turned in the blocks of keys
    - return { keys, values: BLOCK };
    + return { keys, values: keys };
  `,
};

const HEALTHY: readonly PlainFormat[] = KNOWN.filter(
  ({ storage, attention }) => storage === 'f32' || attention !== null,
);

/** A shape in which no two formats are the same, and nothing is too small to matter. */
const TELLING: AttentionShape = {
  headCount: 4,
  kvHeadCount: 2,
  headDim: 64,
  rowCount: 3,
  positionCount: 24,
  window: null,
  scale: 0.11,
};

const seen: Falsifier = {
  parts: {
    generated: {
      planned: 8 * HEALTHY.length,
      run: (context) =>
        context.search(
          fc.record({ seed: fc.nat(), format: fc.constantFrom(...HEALTHY) }),
          context.planned,
          ({ seed, format }) => unseenIn(inputOf(TELLING, format.storage, bells(seed)), format),
        ),
    },
    live: {
      needs: ['model:sums-2m'],
      planned: LAYERS * ofFloat32.length,
      async run(context) {
        const long = (await trainedInputs(context)).filter(({ input }) => input.shape.positionCount >= 24);
        for (const { where, input } of long) {
          for (const format of ofFloat32) context.measure(unseenIn(input, format), `${where}, ${nameOf(format)}`);
        }
      },
    },
    oracle: {
      needs: ['oracle:llama.cpp'],
      planned: 4 * GGML_ENGINES.length,
      async run(context) {
        const { version, builds } = ggmlAttentionBuilds();
        context.oracle({ name: 'ggml', version });
        await context.search(
          fc.record({ seed: fc.nat(), engine: fc.constantFrom(...GGML_ENGINES) }),
          context.planned,
          ({ seed, engine }) => {
            const build = builds[seed % builds.length];
            return build === undefined ? Number.NaN : unseenOfGgml(build.attend, engine, bells(seed));
          },
        );
      },
    },
  },
  faults: plants`
    src/diagnosis/reference/attention-scores.ts
    gross float32-as-halves: what float32 leaves open is what float16 would
    - unit: sumUnit,
    + unit: 2 ** -11,
    small powers-a-thousand-times: powers may be a thousand times as far off
    - exp: (x) => expUnits(x) * sumUnit,
    + exp: (x) => 1_000 * expUnits(x) * sumUnit,
    gross float32-as-halves-in-live in live: what float32 leaves open is what float16 would
    - unit: sumUnit,
    + unit: 2 ** -11,
    gross float32-as-halves-in-oracle in oracle: what float32 leaves open is what float16 would
    - unit: sumUnit,
    + unit: 2 ** -11,
    src/diagnosis/reference/attention.ts
    gross wide-sets: sets are eight times as wide as what is open
    - slack[head.at + c] = (hi - lo) / 2;
    + slack[head.at + c] = 4 * (hi - lo) + 2 ** -11 * Math.abs(hi);
  `,
};

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-SATT-001': explained,
  'FALSIFY-SATT-002': seen,
};

function explainedBy(context: PartContext, input: AttentionInput, format: PlainFormat, isBackward: boolean): number {
  const engine = plainAttention(input.shape, input, format, { isBackward });
  context.output(new Uint8Array(engine.map((value) => (Number.isNaN(value) ? Number.NaN : value)).buffer));
  return ratiosOf(engine, input, format).proven;
}

/** Engines that a judge would take for healthy: with a bug, or judged by a format that is tried before their own. */
function unseenIn(input: AttentionInput, format: PlainFormat): number {
  const engine = (bug?: AttentionBug): Float32Array =>
    plainAttention(input.shape, input, format, { isBackward: false, ...(bug !== undefined && { bug }) });
  const healthy = engine();
  // Heads of another size are not turned.
  const isAnother = ({ storage, attention }: PlainFormat): boolean =>
    storage === format.storage && (attention?.isTurned !== true || input.shape.headDim % 64 === 0);
  const asAnother = KNOWN.slice(0, KNOWN.indexOf(format)).filter(isAnother);
  return (
    bugsSeenIn(format).filter((bug) => isHealthy(engine(bug), input, format)).length +
    asAnother.filter((other) => isHealthy(healthy, input, other)).length
  );
}

/** A scale that is a little off hides in halves that are stored, and in the steps of turned q8_0. */
function bugsSeenIn({ storage, attention }: PlainFormat): AttentionBug[] {
  const isFine = storage === 'f32' && attention?.isTurned !== true;
  const hasProbabilities = attention !== null && attention.probabilities !== 'f32' && attention.expMaxUlp === undefined;
  return [
    'next kv head',
    'last key dropped',
    ...(isFine ? ['scale off' as const] : []),
    ...(hasProbabilities ? ['probabilities truncated' as const] : []),
  ];
}

function unseenOfGgml(attend: GgmlAttentionBuild['attend'], engine: GgmlEngine, of: Bells): number {
  const input = inputOf(TELLING, 'f32', of);
  const format = engine.formatOf(TELLING);
  const own = JSON.stringify(format);
  const at = ofFloat32.findIndex((known) => JSON.stringify(known) === own);
  const healthy = engine.attend(attend, input);
  const bugged = [
    { ...input, shape: { ...TELLING, scale: TELLING.scale * (format.attention?.isTurned === true ? 1.1 : 1.0001) } },
    { ...input, shape: { ...TELLING, window: TELLING.positionCount - 1 } },
    { ...input, k: headsSwapped(input.k) },
    { ...input, v: headsSwapped(input.v) },
  ];
  const found = bugged.filter((wrong) => isHealthy(engine.attend(attend, wrong), input, format)).length;
  return found + ofFloat32.slice(0, at).filter((other) => isHealthy(healthy, input, other)).length;
}

function headsSwapped(rows: Float32Array): Float32Array {
  const { headDim, kvHeadCount } = TELLING;
  const width = headDim * kvHeadCount;
  return rows.map((_, i) => rows[i - (i % width) + ((i + headDim) % width)] ?? Number.NaN);
}

function isHealthy(engine: Float32Array, input: AttentionInput, format: PlainFormat): boolean {
  return ratiosOf(engine, input, format).expected <= 1;
}

type Bells = readonly [ValuesRecipe, ValuesRecipe, ValuesRecipe];

function bells(seed: number): Bells {
  const bell = (own: number): ValuesRecipe => ({ kind: 'bell', exponent: 0, seed: seed + own, specials: [] });
  return [bell(0), bell(1), bell(2)];
}

/** The last rows of every layer of the runs of the bundled model. */
async function trainedInputs(context: PartContext): Promise<{ where: string; input: AttentionInput }[]> {
  const inputsOf = (run: StageRun, layer: number): AttentionInput => {
    const { headCount, kvHeadCount, headDim } = run.model;
    const positionCount = run.tokens.length;
    const rowCount = Math.min(3, positionCount);
    const heads = { headCount, kvHeadCount, headDim, scale: 1 / Math.sqrt(headDim), window: null };
    const [k, v] = [run.stage(layer, 'k_post_rope'), run.stage(layer, 'v')];
    const q = run.stage(layer, 'q_post_rope').slice(-rowCount * headCount * headDim);
    return { shape: { ...heads, rowCount, positionCount }, q, k, v };
  };
  return (await trainedRuns(context)).flatMap((run) =>
    run.layers.map((layer) => ({ where: `${run.where}, layer ${layer}`, input: inputsOf(run, layer) })),
  );
}

function nameOf({ storage, kvCache, attention }: PlainFormat): string {
  return `cache ${kvCache}, ${attention === null ? `attention in ${storage}` : attentionText(attention, storage)}`;
}
