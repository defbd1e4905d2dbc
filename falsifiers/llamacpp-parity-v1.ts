// Tries to find a position at which the engine's logits are further from llama.cpp's than the roundings of the two explain,
// or at which the two take different tokens although double precision prefers one by more than that. llama.cpp runs live
// on the same file. What explains: float32 where the weights are float16 (a slow forward pass from the trainer's file, with
// a rounding at every value), 8-bit activations where the weights are quantised. Searched inputs: generated models against
// the slow forward pass.
import fc from 'fast-check';
import { ATTENTION_FAULTS } from '../src/diagnosis/faults/attention.ts';
import { plantFrom } from '../src/diagnosis/faults/fault.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import type { Model } from '../src/engine/model/model.ts';
import { loadLlamaCpp } from '../src/oracles/external/llama-cpp.ts';
import type { Falsifier, Need, Part, PartContext, PlantedFault } from '../src/runner/run/falsifier.ts';
import { indexOfLargest, klDivergence } from './kit/judges/comparisons.ts';
import { runTapped, withEngines } from './kit/claims/engine-runs.ts';
import { seenIn } from './kit/claims/plants.ts';
import { doubleLogits, rangeOf, spreadRatio } from './llamacpp-parity-v1/profile-spread.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { float32Noise, slowForward, type Noise, type SlowModel } from './kit/references/slow-forward.ts';
import { slowTinyModel } from './kit/references/slow-tiny-model.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE } from './kit/models/tiny-model.ts';
import { slowTrainedModel } from './kit/models/trained-model.ts';

/** One position: the engine, another engine, double precision, and double precision with the other's roundings. */
interface Row {
  engine: ArrayLike<number>;
  other: ArrayLike<number>;
  exact: ArrayLike<number>;
  emulated: ArrayLike<number>;
}

type Measure = (row: Row) => number;

/** How far the two engines are apart, in units of how far the other's roundings move double precision. */
const distance: Measure = ({ engine, other, exact, emulated }) => spreadRatio(engine, other, emulated, exact);

/**
 * 0 where both take one token; else the margin by which double precision prefers one of the two, in units of the most by
 * which the roundings of the two may have moved it.
 */
const choice: Measure = ({ engine, other, exact, emulated }) => {
  const [ours, theirs] = [indexOfLargest(engine), indexOfLargest(other)];
  if (ours < 0 || theirs < 0) return Number.NaN;
  if (ours === theirs) return 0;
  return Math.abs((exact[ours] ?? Number.NaN) - (exact[theirs] ?? Number.NaN)) / rangeOf(emulated, exact);
};

const searchInputs = fc.record({
  variant: fc.nat(TINY_VARIANT_COUNT - 1),
  modelSeed: fc.nat(1),
  tokens: fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 2, maxLength: 12 }),
});

/** A sum of float32 rounds at its largest term more than once; what 12 units bound (EXPECTED_SUM_UNITS), 2 are usual. */
const NOISE_UNITS = 2;
const NOISE_RUNS = 3;

/** Exact logits, and the noisiest of a few passes with float32 roundings at every value. */
function slowReferences(slow: SlowModel, tokens: readonly number[], seed: number): Pick<Wide, 'exact' | 'emulated'> {
  const noise = float32Noise(new SeededRandom(seed));
  const pass = (isNoisy: boolean): Float64Array => {
    const noisy: Noise = (value, magnitude) => noise(value, NOISE_UNITS * magnitude);
    return slowForward(slow, tokens, ...(isNoisy ? [noisy] : [])).get('lm_head') ?? new Float64Array(0);
  };
  const exact = pass(false);
  const passes = Array.from({ length: NOISE_RUNS }, () => pass(true));
  const emulated = passes.reduce((a, b) => (rangeOf(b, exact) > rangeOf(a, exact) ? b : a));
  return { exact, emulated };
}

function searched(measure: Measure): Part {
  return {
    planned: 40,
    run: (context) =>
      withEngines(context, (engines) =>
        context.search(searchInputs, context.planned, async ({ variant, modelSeed, tokens }) => {
          const source = engines.tinySource(variant, modelSeed);
          const { exact, emulated } = slowReferences(slowTinyModel(source), tokens, context.seed);
          const executor = await engines.executor(await engines.fromTiny(source));
          const { logits } = await runTapped(executor, { tokens, logits: 'all' });
          const rows = rowsOf(TINY_VOCAB_SIZE, { engine: logits, other: exact, exact, emulated });
          return rows.map(measure).reduce((worst, value) => Math.max(worst, value), 0);
        }),
      ),
  };
}

type Wide = Record<keyof Row, Float32Array | Float64Array>;

function rowsOf(vocabSize: number, all: Wide): Row[] {
  const cut = (values: Float32Array | Float64Array, row: number): ArrayLike<number> =>
    values.subarray(row * vocabSize, (row + 1) * vocabSize);
  return Array.from({ length: all.exact.length / vocabSize }, (_, row) => ({
    engine: cut(all.engine, row),
    other: cut(all.other, row),
    exact: cut(all.exact, row),
    emulated: cut(all.emulated, row),
  }));
}

interface Subject {
  need: Extract<Need, `model:${string}`>;
  file?: string;
  /** Lists of tokens: a text each, through the model's own tokenizer. */
  texts: readonly string[];
  /** Positions of all texts together that are measured: this many of each, from the last back. */
  positions: number;
  /** Double precision, and with the roundings that explain a difference. */
  references(context: PartContext, model: Model, tokens: readonly number[]): Promise<Pick<Wide, 'exact' | 'emulated'>>;
}

const BUNDLED: Subject = {
  need: 'model:sums-2m',
  file: 'sums-2m.f16.gguf',
  texts: ['What is 17+25?', 'What is 9+9? 18. What is 40+2?', 'spell cat backwards', 'né: 4≠5!'],
  positions: 4,
  references: async (context, _, tokens) => slowReferences(await slowTrainedModel(context), tokens, context.seed),
};

const SMOLLM2: Subject = {
  need: 'model:smollm2',
  texts: ['The capital of France is'],
  positions: 5,
  references: async (_, model, tokens) => doubleLogits(model, tokens),
};

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
    for (const text of subject.texts) {
      const tokens = model.text.encode(text, { parseSpecial: false, addBos: model.text.wantsBos });
      const { logits: engine } = await runTapped(executor, { tokens, logits: 'all' });
      const { exact, emulated } = await subject.references(context, model, tokens);
      const rows = rowsOf(model.program.vocabSize, {
        engine,
        other: other === null ? exact : await other(tokens),
        exact,
        emulated,
      });
      for (const row of rows.slice(-subject.positions)) {
        const kl = klDivergence(row.other, row.engine).toExponential(1);
        context.measure(measure(row), `${JSON.stringify(text)}, position ${rows.indexOf(row)}, KL ${kl} nats`);
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
    plantFrom(ROPE_FAULTS, 'R1', 'gross'),
    plantFrom(WEIGHT_FAULTS, 'W4', 'small'),
    seenIn('oracle', 'R1-in-oracle', plantFrom(ROPE_FAULTS, 'R1', 'gross')),
    seenIn('oracle', 'A1-small-in-oracle', plantFrom(ATTENTION_FAULTS, 'A1', 'small')),
    seenIn('oracle', 'N1-in-oracle', plantFrom(NORM_FAULTS, 'N1', 'gross')),
  ]),
  'FALSIFY-LCPP-002': parity(BUNDLED, choice, [
    plantFrom(ROPE_FAULTS, 'R1', 'gross'),
    plantFrom(WEIGHT_FAULTS, 'W4', 'small'),
    seenIn('oracle', 'R1-in-oracle', plantFrom(ROPE_FAULTS, 'R1', 'gross')),
    seenIn('oracle', 'W4-small-in-oracle', plantFrom(WEIGHT_FAULTS, 'W4', 'small')),
  ]),
  'FALSIFY-LCPP-003': parity(SMOLLM2, distance, [
    plantFrom(ATTENTION_FAULTS, 'A1', 'gross'),
    plantFrom(ATTENTION_FAULTS, 'A1', 'small'),
    seenIn('oracle', 'W4-small-in-oracle', plantFrom(WEIGHT_FAULTS, 'W4', 'small')),
  ]),
  'FALSIFY-LCPP-004': parity(SMOLLM2, choice, [
    plantFrom(ATTENTION_FAULTS, 'A1', 'gross'),
    plantFrom(WEIGHT_FAULTS, 'W4', 'small'),
  ]),
};
