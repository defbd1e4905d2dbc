// Tries to find a position at which the engine's logits are further from llama.cpp's than the roundings of the two explain,
// or at which the two take different tokens although double precision prefers one by more than that. llama.cpp runs live
// on the same file. What explains: where the weights are float16, float32 (a slow forward pass from the trainer's file, with
// a rounding at every value) or activations in float16, whichever llama.cpp's own logits are nearer to: that goes by the
// processor. Where the weights are quantised, 8-bit activations. Searched inputs: generated models against the slow pass.
import fc from 'fast-check';
import { ATTENTION_FAULTS } from '../src/diagnosis/faults/attention.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import type { Model } from '../src/engine/model/model.ts';
import { loadLlamaCpp } from '../src/oracles/external/llama-cpp.ts';
import type { Falsifier, Need, Part, PartContext, PlantedFault } from '../src/runner/run/falsifier.ts';
import { indexOfLargest, klDivergence } from './kit/judges/comparisons.ts';
import { runTapped, withEngines } from './kit/claims/engine-runs.ts';
import { known } from './kit/claims/known-faults.ts';
import { doubleLogits, rangeOf, spreadRatio } from './llamacpp-parity-v1/profile-spread.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { float32Noise, slowForward, type Noise, type SlowModel } from './kit/references/slow-forward.ts';
import { slowTinyModel } from './kit/references/slow-tiny-model.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE } from './kit/models/tiny-model.ts';
import { slowTrainedModel } from './kit/models/hf-model.ts';

/** One position: the engine, another engine, double precision, and double precision with the other's roundings, drawn. */
interface Row {
  engine: ArrayLike<number>;
  other: ArrayLike<number>;
  exact: ArrayLike<number>;
  draws: readonly ArrayLike<number>[];
}

type Measure = (row: Row) => number;

/** How far the two engines are apart, in units of the most by which the other's roundings move double precision. */
const distance: Measure = ({ engine, other, exact, draws }) =>
  Math.min(...draws.map((draw) => spreadRatio(engine, other, draw, exact)));

/**
 * 0 where both take one token; else the margin by which double precision prefers one of the two, in units of the most by
 * which the roundings of the two may have moved it.
 */
const choice: Measure = ({ engine, other, exact, draws }) => {
  const [ours, theirs] = [indexOfLargest(engine), indexOfLargest(other)];
  if (ours < 0 || theirs < 0) return Number.NaN;
  if (ours === theirs) return 0;
  return (
    Math.abs((exact[ours] ?? Number.NaN) - (exact[theirs] ?? Number.NaN)) /
    Math.max(...draws.map((draw) => rangeOf(draw, exact)))
  );
};

const searchInputs = fc.record({
  variant: fc.nat(TINY_VARIANT_COUNT - 1),
  modelSeed: fc.nat(1),
  tokens: fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 2, maxLength: 12 }),
});

/** A sum of float32 rounds at its largest term more than once; what 12 units bound (EXPECTED_SUM_UNITS), 2 are usual. */
const NOISE_UNITS = 2;
const NOISE_RUNS = 3;
/** A float32 rounding decides on which side of a tie a half falls, so that passes part after a few layers. */
const HALF_RUNS = 8;

/** Double precision, and passes with the roundings of each kind that may explain a difference, by name. */
interface References {
  exact: Float64Array;
  emulations: Readonly<Record<string, readonly Float64Array[]>>;
}

const slowLogits = (slow: SlowModel, tokens: readonly number[], noise?: Noise): Float64Array =>
  slowForward(slow, tokens, noise).get('lm_head') ?? new Float64Array(0);

/** With float32 roundings at every value. */
function noisyPasses(slow: SlowModel, tokens: readonly number[], seed: number, count: number): Float64Array[] {
  const noise = float32Noise(new SeededRandom(seed));
  const noisy: Noise = (value, magnitude) => noise(value, NOISE_UNITS * magnitude);
  return Array.from({ length: count }, () => slowLogits(slow, tokens, noisy));
}

function searched(measure: Measure): Part {
  return {
    planned: 40,
    run: (context) =>
      withEngines(context, (engines) =>
        context.search(searchInputs, context.planned, async ({ variant, modelSeed, tokens }) => {
          const source = engines.tinySource(variant, modelSeed);
          const slow = slowTinyModel(source);
          const exact = slowLogits(slow, tokens);
          const passes = noisyPasses(slow, tokens, context.seed, NOISE_RUNS);
          const executor = await engines.executor(await engines.fromTiny(source));
          const { logits } = await runTapped(executor, { tokens, logits: 'all' });
          const rows = rowsOf(TINY_VOCAB_SIZE, { engine: logits, other: exact, exact }, passes);
          return rows.map(measure).reduce((worst, value) => Math.max(worst, value), 0);
        }),
      ),
  };
}

type Floats = Float32Array | Float64Array;

function rowsOf(
  vocabSize: number,
  all: Record<'engine' | 'other' | 'exact', Floats>,
  passes: readonly Floats[],
): Row[] {
  return Array.from({ length: all.exact.length / vocabSize }, (_, row) => {
    const cut = (values: Floats): ArrayLike<number> => values.subarray(row * vocabSize, (row + 1) * vocabSize);
    return { engine: cut(all.engine), other: cut(all.other), exact: cut(all.exact), draws: passes.map(cut) };
  });
}

interface Subject {
  need: Extract<Need, `model:${string}`>;
  file?: string;
  /** Lists of tokens: a text each, through the model's own tokenizer. */
  texts: readonly string[];
  /** Positions of all texts together that are measured: this many of each, from the last back. */
  positions: number;
  references(context: PartContext, model: Model, tokens: readonly number[]): Promise<References>;
}

const BUNDLED: Subject = {
  need: 'model:sums-2m',
  file: 'sums-2m.f16.gguf',
  texts: ['What is 17+25?', 'What is 9+9? 18. What is 40+2?', 'spell cat backwards', 'né: 4≠5!'],
  positions: 4,
  references: async (context, _, tokens) => {
    const slow = await slowTrainedModel(context);
    const inHalves = { ...slow, activation: Math.f16round };
    return {
      exact: slowLogits(slow, tokens),
      emulations: {
        float32: noisyPasses(slow, tokens, context.seed, NOISE_RUNS),
        'float16 activations': noisyPasses(inHalves, tokens, context.seed, HALF_RUNS),
      },
    };
  },
};

const SMOLLM2: Subject = {
  need: 'model:smollm2',
  texts: ['The capital of France is'],
  positions: 5,
  references: async (_, model, tokens) => {
    const { exact, emulated } = await doubleLogits(model, tokens);
    return { exact, emulations: { '8-bit activations': [emulated] } };
  },
};

interface Compared extends References {
  text: string;
  engine: Float32Array;
  other: Floats;
}

/** The roundings with which double precision comes nearest to the other engine, of all texts together. Ours has no say. */
function nearestEmulation(compared: readonly Compared[]): string {
  const names = Object.keys(compared[0]?.emulations ?? {});
  const squares = names.map((name) =>
    compared.reduce((sum, { other, emulations }) => sum + squaredDistance(emulations[name]?.[0] ?? [], other), 0),
  );
  const at = squares.reduce((best, square, i) => (square < (squares[best] ?? Infinity) ? i : best), 0);
  return names[at] ?? '';
}

function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + (value - (b[i] ?? Number.NaN)) ** 2, 0);
}

/** Logits of another engine; null: double precision itself. */
type Other = ((tokens: number[]) => Promise<Float32Array>) | null;

async function compare(
  context: PartContext,
  subject: Subject,
  measure: Measure,
  openOther: (path: string) => Promise<Other>,
): Promise<void> {
  await withEngines(context, async (engines) => {
    const path = context.model(subject.need, subject.file);
    const model = await context.openModel(path);
    const other = await openOther(path);
    const executor = await engines.executor(model);
    const compared: Compared[] = [];
    for (const text of subject.texts) {
      const tokens = model.text.encode(text, { parseSpecial: false, addBos: model.text.wantsBos });
      const { logits: engine } = await runTapped(executor, { tokens, logits: 'all' });
      const references = await subject.references(context, model, tokens);
      compared.push({ text, engine, other: other === null ? references.exact : await other(tokens), ...references });
    }
    const name = nearestEmulation(compared);
    for (const { text, engine, other: theirs, exact, emulations } of compared) {
      const rows = rowsOf(model.program.vocabSize, { engine, other: theirs, exact }, emulations[name] ?? []);
      for (const row of rows.slice(-subject.positions)) {
        const kl = klDivergence(row.other, row.engine).toExponential(1);
        const where = `${JSON.stringify(text)}, position ${rows.indexOf(row)}`;
        context.measure(measure(row), `${where}, KL ${kl} nats, spread of ${name}`);
      }
      context.output(new Uint8Array(engine.buffer));
    }
    await model.close();
  });
}

function againstLlama(subject: Subject, measure: Measure): Part {
  return {
    needs: [subject.need, 'oracle:llama.cpp'],
    planned: subject.texts.length * subject.positions,
    async run(context) {
      const loaded = await loadLlamaCpp();
      if (!loaded.available) throw new Error(loaded.reason);
      const { llama } = loaded;
      context.oracle({ name: llama.name, version: llama.version });
      await compare(context, subject, measure, async (path) => {
        const model = await llama.openModel(path, { kvCache: 'f32' });
        return (tokens) => model.logits(tokens);
      });
      await llama.close();
    },
  };
}

/** The engine against double precision, within the same spread. */
function againstDouble(subject: Subject, measure: Measure): Part {
  return {
    needs: [subject.need],
    planned: subject.texts.length * subject.positions,
    run: (context) => compare(context, subject, measure, async () => null),
  };
}

function parity(subject: Subject, measure: Measure, faults: readonly PlantedFault[]): Falsifier {
  return {
    parts: {
      generated: searched(measure),
      live: againstDouble(subject, measure),
      oracle: againstLlama(subject, measure),
    },
    faults,
  };
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-LCPP-001': parity(BUNDLED, distance, [
    ...known(ROPE_FAULTS, 'R1'),
    ...known(WEIGHT_FAULTS, 'W4-small'),
    ...known(ROPE_FAULTS, 'R1-in-oracle'),
    ...known(ATTENTION_FAULTS, 'A1-small-in-oracle'),
    ...known(NORM_FAULTS, 'N1-in-oracle'),
  ]),
  'FALSIFY-LCPP-002': parity(BUNDLED, choice, [
    ...known(ROPE_FAULTS, 'R1'),
    ...known(WEIGHT_FAULTS, 'W4-small'),
    ...known(ROPE_FAULTS, 'R1-in-oracle'),
    ...known(WEIGHT_FAULTS, 'W4-small-in-oracle'),
  ]),
  'FALSIFY-LCPP-003': parity(SMOLLM2, distance, [
    ...known(ATTENTION_FAULTS, 'A1 A1-small'),
    ...known(WEIGHT_FAULTS, 'W4-small-in-oracle'),
  ]),
  'FALSIFY-LCPP-004': parity(SMOLLM2, choice, [...known(ATTENTION_FAULTS, 'A1'), ...known(WEIGHT_FAULTS, 'W4-small')]),
};
