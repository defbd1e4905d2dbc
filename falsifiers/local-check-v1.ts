// Tries to make the local check cry wolf on a healthy engine, or look past a broken one. Faults of the first claim sit in
// the engine's source and must be seen by the judge; those of the second sit in the judge and must make it miss.
import fc from 'fast-check';
import { checkDump } from '../src/diagnosis/check/check-dump.ts';
import { checkModel, type CheckReport } from '../src/diagnosis/check/check-model.ts';
import { openRecording } from '../src/diagnosis/recordings/open-recording.ts';
import { plantFrom } from '../src/diagnosis/faults/fault.ts';
import { SESSION_FAULTS } from '../src/diagnosis/faults/session.ts';
import { attentionJudgement } from '../src/diagnosis/ops/attention.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import type { Model, ModelTransform } from '../src/engine/model/model.ts';
import type { Falsifier, PartContext } from '../src/runner/run/falsifier.ts';
import { withEngines } from './kit/claims/engine-runs.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE } from './kit/models/tiny-model.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';

const LIVE_FILES = ['sums-2m.f16.gguf', 'sums-2m.q4_k_m.gguf'];
const LIVE_VOCAB_SIZE = 768;
/** Of tokens per run; the longest is past the executor's chunk of 64 positions. */
const LIVE_LENGTHS = [1, 9, 75];
const PACKS = ['chat-addition', 'raw-sum', 'spell-backwards', 'two-turns', 'unicode'];

const inputs = fc.record({
  variant: fc.nat(TINY_VARIANT_COUNT - 1),
  modelSeed: fc.nat(1),
  // Rotary faults do nothing at position 0, and little at the next.
  tokens: fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 6, maxLength: 16 }),
  fault: fc.nat(),
});

/** Faults that change what one op computes, and the value that op writes; the second layer is layer 1. */
const SITES: readonly { id: string; size: 'gross' | 'small'; value: string }[] = [
  { id: 'R1', size: 'gross', value: 'layer-0/q_post_rope' },
  { id: 'R1', size: 'small', value: 'layer-1/q_post_rope' },
  { id: 'R2', size: 'small', value: 'layer-1/q_post_rope' },
  { id: 'N1', size: 'gross', value: 'layer-0/attn_norm' },
  { id: 'W4', size: 'small', value: 'layer-1/ffn_gate' },
  { id: 'W3', size: 'small', value: 'layer-1/k_matmul' },
];

function transformOf({ id, size }: (typeof SITES)[number]): ModelTransform {
  const { inject } = plantFrom([...NORM_FAULTS, ...ROPE_FAULTS, ...WEIGHT_FAULTS], id, size);
  if (inject.kind !== 'model') throw new Error(`${id} is no fault of a model`);
  return inject.transform;
}

/** The judge's program and weights are the model's; the engine's are what `transform` makes of them. */
async function judge(
  context: PartContext,
  { program, weights }: Model,
  tokens: readonly number[],
  transform: ModelTransform = {},
): Promise<CheckReport> {
  const executor = await context.openExecutor({
    program: transform.program?.(program) ?? program,
    weights: transform.weights?.(weights) ?? weights,
  });
  const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
  try {
    return await checkModel({ executor, program, weights, tokens, ...none });
  } finally {
    await executor.close();
  }
}

function largestRho({ results }: CheckReport): number {
  if (results.length === 0) return Number.NaN;
  return results.reduce((most, { rhoProven }) => Math.max(most, rhoProven), 0);
}

async function misjudged(
  context: PartContext,
  model: Model,
  tokens: readonly number[],
  site: (typeof SITES)[number],
): Promise<number> {
  const { verdict, at } = await judge(context, model, tokens, transformOf(site));
  return verdict === 'BUG' && at?.value === site.value ? 0 : 1;
}

/** Each bundled file on tokens of several lengths. */
async function live(
  context: PartContext,
  measure: (model: Model, tokens: number[], file: string) => Promise<void>,
): Promise<void> {
  await withEngines(context, async (engines) => {
    for (const file of LIVE_FILES) {
      for (const length of LIVE_LENGTHS) {
        const random = new SeededRandom(context.seed + length);
        const tokens = Array.from({ length }, () => random.below(LIVE_VOCAB_SIZE));
        await measure(await engines.bundled(file), tokens, `${file}, ${length} tokens`);
      }
    }
  });
}

/** Transformers in float32: somebody else's engine, captured. */
async function runOracle(context: PartContext): Promise<void> {
  await withEngines(context, async (engines) => {
    const { program, weights } = await engines.bundled('sums-2m.f16.gguf');
    for (const pack of PACKS) {
      const folder = context
        .data(`models/sums-2m/packs/float32/${pack}/manifest.json`)
        .replace(/\/manifest\.json$/, '');
      const dump = await openRecording(folder);
      const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
      const report = await checkDump({ dump, program, weights, tokens: dump.tokens ?? [], ...none });
      context.measure(largestRho(report), pack);
    }
  });
  context.oracle({ name: 'transformers', version: '5.23.0' });
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-LCK-001': {
    parts: {
      generated: {
        planned: 40,
        run: (context) =>
          withEngines(context, (engines) =>
            context.search(inputs, context.planned, async ({ variant, modelSeed, tokens }) =>
              largestRho(await judge(context, await engines.tiny(variant, modelSeed), tokens)),
            ),
          ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_FILES.length * LIVE_LENGTHS.length,
        run: (context) =>
          live(context, async (model, tokens, where) =>
            context.measure(largestRho(await judge(context, model, tokens)), where),
          ),
      },
      oracle: { needs: ['model:sums-2m'], planned: PACKS.length, run: runOracle },
    },
    faults: [...known(attentionJudgement.faults, 'A5 A5-small'), ...known(SESSION_FAULTS, 'G11')],
  },
  'FALSIFY-LCK-002': {
    parts: {
      generated: {
        planned: 40,
        run: (context) =>
          withEngines(context, (engines) =>
            context.search(inputs, context.planned, async ({ variant, modelSeed, tokens, fault }) => {
              const site = SITES[fault % SITES.length];
              return site === undefined ? 1 : misjudged(context, await engines.tiny(variant, modelSeed), tokens, site);
            }),
          ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_FILES.length * SITES.length,
        run: (context) =>
          withEngines(context, async (engines) => {
            for (const file of LIVE_FILES) {
              const random = new SeededRandom(context.seed);
              const tokens = Array.from({ length: 12 }, () => random.below(LIVE_VOCAB_SIZE));
              for (const site of SITES) {
                const where = `${file}, ${site.id} ${site.size}`;
                context.measure(await misjudged(context, await engines.bundled(file), tokens, site), where);
              }
            }
          }),
      },
    },
    faults: plants`
      src/diagnosis/check/op-tally.ts
      gross judge-blind: every op is healthy
      - status: isFaulty ? 'faulty' : isSuspect ? 'suspect' : 'healthy'
      + status: 'healthy'
      src/diagnosis/reference/arithmetic.ts
      small judge-lenient: an angle may be off by a fiftieth
      - sincos: ropeTable.sincosError
      + sincos: 0.5
    `,
  },
};
