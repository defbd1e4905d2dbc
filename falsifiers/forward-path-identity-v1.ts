// Tries to make the forward pass depend on how it is asked for: with taps or without, in one piece, in chunks or token
// by token, again, after a truncation, with other tokens behind it. All comparisons are of bits. Not claimed here: that
// the numbers are right, only that there is one answer (hf-parity-qwen2-v1 says whether it is the right one).
import fc from 'fast-check';
import { SESSION_FAULTS } from '../src/diagnosis/faults/session.ts';
import { attentionJudgement } from '../src/diagnosis/ops/attention.ts';
import type { Model } from '../src/engine/model/model.ts';
import type { CpuOptions } from '../src/engine/cpu/cpu-executor.ts';
import type { Executor } from '../src/engine/program/executor.ts';
import type { Falsifier, Part, PartContext } from '../src/runner/run/falsifier.ts';
import {
  countDifferentWords,
  runPieces,
  runTapped,
  withEngines,
  withSession,
  type Engines,
} from './kit/claims/engine-runs.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE } from './kit/models/tiny-model.ts';
import { known } from './kit/claims/known-faults.ts';
import { onWebgpu } from './kit/claims/on-webgpu.ts';

/** What a search varies; everything else about a case follows from `salt`. */
interface Input {
  variant: number;
  modelSeed: number;
  tokens: number[];
  salt: number;
}

const inputs: fc.Arbitrary<Input> = fc.record({
  variant: fc.nat(TINY_VARIANT_COUNT - 1),
  modelSeed: fc.nat(1),
  tokens: fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 1, maxLength: 24 }),
  salt: fc.nat(),
});

/** Measures one model with one list of tokens; `random` decides the rest. */
type Measure = (run: { executor: Executor; tokens: number[]; random: SeededRandom; open: Open }) => Promise<number>;

/** Another executor on the same model. */
type Open = (options: { chunkPositions?: number; isSpread?: boolean }) => Promise<Executor>;

function opener(engines: Engines, model: Model): Open {
  return ({ chunkPositions = 64, isSpread = false }) => {
    const spread: CpuOptions = { chunkPositions: 4, bankByteLimit: smallMemoryBytes(model) };
    return engines.executor(model, isSpread ? spread : { chunkPositions });
  };
}

/** Token lists per file: of lengths from one to past the executor's own chunk of positions. A GPU in software takes fewer. */
const LIVE = {
  cpu: { files: ['sums-2m.f16.gguf', 'sums-2m.q4_k_m.gguf'], lengths: [1, 2, 17, 40, 70] },
  webgpu: { files: ['sums-2m.q4_k_m.gguf'], lengths: [1, 9, 70] },
};
const LIVE_VOCAB_SIZE = 768;
/** Holds half of a model's weights and one layer's scratch, so that the model is spread over several memories. */
const smallMemoryBytes = (model: Model): number => Math.round(model.byteLength / 2) + 140_000;

const liveCases = ({ files, lengths }: (typeof LIVE)['cpu']): number => files.length * lengths.length;

/** The same measure on generated models and on the bundled trained one. */
function partsOf(measure: Measure): { generated: Part; live: Part } {
  return {
    generated: {
      planned: { cpu: 60, webgpu: 6 },
      run: (context) =>
        withEngines(context, (engines) =>
          context.search(inputs, context.planned, async ({ variant, modelSeed, tokens, salt }) => {
            const model = await engines.tiny(variant, modelSeed);
            const open = opener(engines, model);
            return measure({ executor: await open({}), tokens, random: new SeededRandom(salt), open });
          }),
        ),
    },
    live: {
      needs: ['model:sums-2m'],
      planned: { cpu: liveCases(LIVE.cpu), webgpu: liveCases(LIVE.webgpu) },
      run: (context) => runLive(context, measure),
    },
  };
}

async function runLive(context: PartContext, measure: Measure): Promise<void> {
  const { files, lengths } = LIVE[context.executor === 'webgpu' ? 'webgpu' : 'cpu'];
  await withEngines(context, async (engines) => {
    for (const file of files) {
      const model = await engines.bundled(file);
      const open = opener(engines, model);
      for (const length of lengths) {
        const random = new SeededRandom(context.seed + length);
        const tokens = Array.from({ length }, () => random.below(LIVE_VOCAB_SIZE));
        const executor = await open({});
        context.measure(await measure({ executor, tokens, random, open }), `${file}, ${length} tokens`);
        context.output(bytesOf((await runTapped(executor, { tokens, logits: 'last' })).logits));
      }
    }
  });
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Logits with every tap open, with some, and with none; and each tapped value with all taps and with some. */
const tapsChangeNothing: Measure = async ({ executor, tokens, random }) => {
  const ids = executor.program.values.map(({ id }) => id);
  const some = ids.filter(() => random.below(4) === 0);
  let differences = 0;
  for (const logits of ['all', 'last'] as const) {
    const plain = await runTapped(executor, { tokens, logits });
    const full = await runTapped(executor, { tokens, logits }, ids);
    const partial = await runTapped(executor, { tokens, logits }, some);
    differences += countDifferentWords(plain.logits, full.logits) + countDifferentWords(plain.logits, partial.logits);
    for (const id of some) {
      differences += countDifferentWords(full.values.get(id) ?? plain.logits, partial.values.get(id) ?? plain.logits);
    }
    // The value that holds the logits is the logits.
    const tapped = full.values.get(executor.program.logits) ?? new Float32Array(0);
    differences += countDifferentWords(tapped.slice(tapped.length - plain.logits.length), plain.logits);
  }
  return differences;
};

/** One run of n tokens, n runs of one, and runs of searched lengths. */
const piecesChangeNothing: Measure = async ({ executor, tokens, random }) => {
  const whole = await runPieces(executor, tokens, [tokens.length]);
  const single = await runPieces(
    executor,
    tokens,
    tokens.map(() => 1),
  );
  const lengths = tokens.map(() => 1 + random.below(5));
  const pieces = await runPieces(executor, tokens, lengths);
  return countDifferentWords(whole, single) + countDifferentWords(whole, pieces);
};

/** Again in a new session, in a new executor, and with other chunks and memories. */
const repetitionChangesNothing: Measure = async ({ executor, tokens, random, open }) => {
  const first = await runPieces(executor, tokens, []);
  let differences = countDifferentWords(first, await runPieces(executor, tokens, []));
  // Another chunk is another order of sums where the profile says so.
  if (executor.profile.batching !== 'bitwise') {
    const again = await open({});
    return differences + countDifferentWords(first, await runPieces(again, tokens, []));
  }
  const chunked = await open({ chunkPositions: 1 + random.below(7) });
  differences += countDifferentWords(first, await runPieces(chunked, tokens, []));
  const spread = await open({ isSpread: true });
  return differences + countDifferentWords(first, await runPieces(spread, tokens, []));
};

/** Other tokens behind a position change nothing at or before it; neither does their absence. */
const laterTokensChangeNothing: Measure = async ({ executor, tokens, random }) => {
  const ids = executor.program.values.map(({ id }) => id);
  const { vocabSize, values } = executor.program;
  const kept = 1 + random.below(tokens.length);
  const others = tokens.map((token, i) => (i < kept ? token : (token + 1 + random.below(vocabSize - 1)) % vocabSize));
  const run = await runTapped(executor, { tokens, logits: 'all' }, ids);
  const changed = await runTapped(executor, { tokens: others, logits: 'all' }, ids);
  const alone = await runTapped(executor, { tokens: tokens.slice(0, kept), logits: 'all' }, ids);
  let differences = 0;
  for (const { id, channelCount } of values) {
    const rows = (of: typeof run): Float32Array =>
      (of.values.get(id) ?? new Float32Array(0)).slice(0, kept * channelCount);
    differences += countDifferentWords(rows(run), rows(changed)) + countDifferentWords(rows(run), rows(alone));
  }
  return differences;
};

/** A session that went astray and was truncated goes on as one that never did. */
const truncationForgets: Measure = async ({ executor, tokens, random }) => {
  const { vocabSize } = executor.program;
  const kept = random.below(tokens.length);
  const astray = Array.from({ length: 1 + random.below(4) }, () => random.below(vocabSize));
  const isBitwise = executor.profile.batching === 'bitwise';
  const straight = await runPieces(executor, tokens, isBitwise || kept === 0 ? [] : [kept]);
  const back = await withSession(executor, tokens.length + astray.length, async (session) => {
    // A part of a longer run is another order of sums where the profile says so; then what is kept is run by itself.
    const pieces = isBitwise ? [[...tokens.slice(0, kept), ...astray]] : [tokens.slice(0, kept), astray];
    for (const piece of pieces) if (piece.length > 0) await session.run({ tokens: piece, logits: 'none' });
    session.truncate(kept);
    const { firstPosition, logits } = await session.run({ tokens: tokens.slice(kept), logits: 'all' });
    return firstPosition === kept ? logits : new Float32Array(0);
  });
  return countDifferentWords(straight.slice(kept * vocabSize), back);
};

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-FPI-001': {
    parts: partsOf(tapsChangeNothing),
    faults: known(SESSION_FAULTS, 'D1 D1-small'),
    faultsOnWebgpu: onWebgpu('gpu-tapped-first-row gpu-tapped-on-one-row'),
  },
  'FALSIFY-FPI-002': { parts: partsOf(piecesChangeNothing), faults: known(SESSION_FAULTS, 'C1 C1-small') },
  'FALSIFY-FPI-003': {
    parts: partsOf(repetitionChangesNothing),
    faults: known(SESSION_FAULTS, 'G11 G11-small C4 C4-small B1-small'),
    faultsOnWebgpu: onWebgpu('gpu-angles-drift gpu-one-angle-drifts'),
  },
  'FALSIFY-FPI-004': {
    parts: partsOf(laterTokensChangeNothing),
    faults: known(attentionJudgement.faults, 'A5 A5-small'),
  },
  'FALSIFY-FPI-005': {
    parts: partsOf(truncationForgets),
    faults: known(SESSION_FAULTS, 'C9 C9-small'),
    // Few searched cases keep more than two positions.
    faultsOnWebgpu: async () => known(SESSION_FAULTS, 'C9 C9-small-in-live'),
  },
};
