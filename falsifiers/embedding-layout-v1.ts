// Tries to find a token whose embedding is not its own stored row, bit for bit, and a matrix whose bytes are transposed
// under the right shape without the loader saying so, or one that is not and is accused of it. The rows: every stored type
// of the generated models, every token of the bundled one, some of SmolLM2's, and what Transformers read. Not claimed: that
// a transposed matrix other than the embedding is noticed while loading.
import fc from 'fast-check';
import { corruptTensors } from '../src/diagnosis/faults/rewrite.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import type { Model } from '../src/engine/model/model.ts';
import { inspectEmbedding } from '../src/engine/model/inspect-embedding.ts';
import { findLayoutFault } from '../src/engine/model/layout-probe.ts';
import type { Falsifier, PartContext } from '../src/runner/run/falsifier.ts';
import { differingElements } from './kit/judges/budget-ratio.ts';
import { runTapped, withEngines, type Engines } from './kit/claims/engine-runs.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { slowTinyModel } from './kit/references/slow-tiny-model.ts';
import { openSmolLm2 } from './kit/models/smollm2.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE } from './kit/models/tiny-model.ts';
import { recordedRuns } from './kit/models/trained-stages.ts';

const TABLE = 'token_embd.weight';
const F16 = 'sums-2m.f16.gguf';
const STAGE = 'layer-0/embedding';

async function embeddingOf(engines: Engines, model: Model, tokens: readonly number[]): Promise<Float32Array> {
  const executor = await engines.executor(model);
  const { values } = await runTapped(executor, { tokens, logits: 'none' }, [STAGE]);
  return values.get(STAGE) ?? new Float32Array(0);
}

/** Rows of a table, rounded to float32 once. */
function rowsOf(table: Float64Array, width: number, tokens: readonly number[]): Float32Array {
  const out = new Float32Array(tokens.length * width);
  for (const [p, token] of tokens.entries()) out.set(table.subarray(token * width, (token + 1) * width), p * width);
  return out;
}

const rowInputs = fc.record({
  variant: fc.nat(TINY_VARIANT_COUNT - 1),
  modelSeed: fc.nat(1),
  tokens: fc.oneof(
    fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 1, maxLength: 20 }),
    fc.constant([0, TINY_VOCAB_SIZE - 1, TINY_VOCAB_SIZE - 2]),
  ),
});

/** A table as training leaves it: every channel has a mean of its own; or one with nothing in it. */
interface Table {
  seed: number;
  rows: number;
  channels: number;
  /** Spread of the channels' means, in units of the noise. */
  spread: number;
}

const tables: fc.Arbitrary<Table> = fc.record({
  seed: fc.nat(),
  rows: fc.constantFrom(64, 32, 48),
  channels: fc.constantFrom(64, 32, 96),
  spread: fc.constantFrom(2, 1.5, 3, 0),
});

/** Wrong answers of the probe on a table and on its transpose. */
function probeMistakes({ seed, rows, channels, spread }: Table): number {
  const random = new SeededRandom(seed);
  const means = Array.from({ length: channels }, () => spread * random.bell());
  const table = Array.from({ length: rows }, () => Float32Array.from(means, (mean) => mean + random.bell()));
  const transposed = means.map((_, channel) => Float32Array.from(table, (row) => row[channel] ?? Number.NaN));
  const isAccused = findLayoutFault(table) !== null;
  const isSeen = findLayoutFault(transposed) !== null;
  return (isAccused ? 1 : 0) + (isSeen === spread > 0 ? 0 : 1);
}

/** What the loader says of the trained models' embeddings, and of the bundled one's bytes in the other order. */
async function measureLoader(context: PartContext, engines: Engines): Promise<void> {
  const model = await engines.bundled(F16);
  const { path, program } = model;
  const says = async (of: Pick<Model, 'path' | 'program' | 'weights'>): Promise<boolean> => {
    const unknown = { tokenCount: 0, firstTokenType: null };
    const { notices } = await inspectEmbedding(of.path, of.program, of.weights, unknown);
    return notices.some(({ code }) => code === 'LAYOUT-BYTES-TRANSPOSED');
  };
  const transposed = corruptTensors(
    model.weights,
    (name) => name === TABLE,
    (bytes, { shape }) => {
      const [rows = 1, columns = 1] = shape;
      const from = new Uint16Array(bytes.slice().buffer);
      const to = new Uint16Array(bytes.buffer, bytes.byteOffset, from.length);
      for (let i = 0; i < from.length; i++) to[(i % columns) * rows + Math.floor(i / columns)] = from[i] ?? 0;
    },
  );
  context.measure((await says(model)) ? 1 : 0, `${F16} as it is`);
  context.measure((await says(await engines.smolLm2())) ? 1 : 0, 'SmolLM2 as it is');
  context.measure(
    (await says({ path, program, weights: transposed })) ? 0 : 1,
    `${F16} with transposed embedding bytes`,
  );
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-EMBL-001': {
    parts: {
      generated: {
        planned: 80,
        run: (context) =>
          withEngines(context, (engines) =>
            context.search(rowInputs, context.planned, async ({ variant, modelSeed, tokens }) => {
              const source = engines.tinySource(variant, modelSeed);
              const table = slowTinyModel(source).weight(TABLE) ?? new Float64Array(0);
              const embedded = await embeddingOf(engines, await engines.fromTiny(source), tokens);
              return differingElements(embedded, rowsOf(table, source.shape.modelDim, tokens));
            }),
          ),
      },
      live: {
        needs: ['model:sums-2m', 'model:smollm2'],
        planned: 8 + 1,
        run: (context) =>
          withEngines(context, async (engines) => {
            const [run] = await recordedRuns(context, []);
            if (run === undefined) throw new Error('there is no recorded run');
            const table = run.model.weight(TABLE) ?? new Float64Array(0);
            const eighth = run.model.vocabSize / 8;
            for (let part = 0; part < 8; part++) {
              const tokens = Array.from({ length: eighth }, (_, i) => part * eighth + i);
              const embedded = await embeddingOf(engines, await engines.bundled(F16), tokens);
              const rows = rowsOf(table, run.model.modelDim, tokens);
              context.measure(differingElements(embedded, rows), `tokens ${tokens[0]} to ${tokens.at(-1)}`);
              context.output(new Uint8Array(embedded.buffer));
            }
            const { slow } = await openSmolLm2(context);
            const tokens = Array.from({ length: 32 }, (_, i) => Math.floor((i * (slow.vocabSize - 1)) / 31));
            const embedded = await embeddingOf(engines, await engines.smolLm2(), tokens);
            const rows = rowsOf(slow.weight(TABLE) ?? new Float64Array(0), slow.modelDim, tokens);
            context.measure(differingElements(embedded, rows), `SmolLM2, ${tokens.length} tokens from first to last`);
            context.output(new Uint8Array(embedded.buffer));
          }),
      },
      oracle: {
        needs: ['model:sums-2m'],
        planned: 5,
        run: (context) =>
          withEngines(context, async (engines) => {
            for (const { where, tokens, stage } of await recordedRuns(context, ['embedding'])) {
              const embedded = await embeddingOf(engines, await engines.bundled(F16), tokens);
              context.measure(differingElements(embedded, stage(0, 'embedding')), where);
              context.output(new Uint8Array(embedded.buffer));
            }
          }),
      },
    },
    faults: [
      ...known(WEIGHT_FAULTS, 'E3 E3-small'),
      ...plants`
        src/engine/cpu/bind-op.ts
        small last-row-clipped: the last token reads the row before its own
        - weights + token * blockCount * blockBytes
        + weights + (token === 271 ? token - 1 : token) * blockCount * blockBytes
      `,
      ...known(WEIGHT_FAULTS, 'E3-in-oracle'),
    ],
  },
  'FALSIFY-EMBL-002': {
    parts: {
      generated: { planned: 300, run: (context) => context.search(tables, context.planned, probeMistakes) },
      live: {
        needs: ['model:sums-2m', 'model:smollm2'],
        planned: 3,
        run: (context) => withEngines(context, (engines) => measureLoader(context, engines)),
      },
    },
    faults: plants`
      src/engine/model/layout-probe.ts
      gross never-accuses: no table is ever transposed
      - const MIN_ROW_F = 10;
      + const MIN_ROW_F = 1e12;
      small size-forgotten: means are not weighted by the size of their group
      - size * (own - mean) ** 2
      + (own - mean) ** 2
      gross accuses-healthy in live: rows and channels are confused
      - const rowF = varianceRatio(rows);
      -   const channelF = varianceRatio(channels);
      + const rowF = varianceRatio(channels);
      +   const channelF = varianceRatio(rows);
    `,
  },
};
