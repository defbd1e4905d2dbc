// Tries to find an op of any architecture that leaves the budget of the executor that ran it: every untrained model of
// models/tiny, and the bundled trained one. Not claimed: that the program is the right one (hf-parity-*-v1).
import fc from 'fast-check';
import { checkModel } from '../../src/diagnosis/check/check-model.ts';
import { attentionJudgement } from '../../src/diagnosis/ops/attention.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { Falsifier, PartContext } from '../../src/runner/run/falsifier.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { withEngines, type Engines } from '../kit/claims/engine-runs.ts';
import { known } from '../kit/claims/known-faults.ts';
import { onWebgpu } from '../kit/claims/on-webgpu.ts';

/** An architecture each, and what another has not: a window, scaled rotation, experts whose shares are not renormalised. */
const UNTRAINED: readonly [name: string, file: string][] = [
  ['llama', 'model.gguf'],
  ['llama-yarn', 'model.gguf'],
  ['mistral', 'model.gguf'],
  ['qwen2', 'model.gguf'],
  ['qwen2-window', 'hf'],
  ['qwen3', 'model.gguf'],
  ['qwen3moe', 'model.gguf'],
  ['qwen3moe-raw', 'hf'],
  ['gemma2', 'model.gguf'],
  ['gemma3', 'model.gguf'],
  ['phi3', 'model.gguf'],
];
const UNTRAINED_VOCAB_SIZE = 80;
/** Searched token lists for each model. */
const LISTS = 2;

const LIVE = { cpu: ['sums-2m.f16.gguf', 'sums-2m.q4_k_m.gguf'], webgpu: ['sums-2m.q4_k_m.gguf'] };
/** From a single token to one past where products are made tile by tile. */
const LIVE_LENGTHS = [1, 9];
const LIVE_VOCAB_SIZE = 768;

/** Largest error of any op in units of its proven bound; NaN where no op was judged. */
async function largestRho(engines: Engines, model: Model, tokens: readonly number[]): Promise<number> {
  const { program, weights } = model;
  const executor = await engines.executor(model);
  const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
  const { results } = await checkModel({ executor, program, weights, tokens, ...none });
  return results.length === 0 ? Number.NaN : Math.max(...results.map(({ rhoProven }) => rhoProven));
}

function randomTokens(context: PartContext, length: number, vocabSize: number): number[] {
  const random = new SeededRandom(context.seed + length);
  return Array.from({ length }, () => random.below(vocabSize));
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-LCK-003': {
    parts: {
      generated: {
        planned: LISTS * UNTRAINED.length,
        run: (context) =>
          withEngines(context, async (engines) => {
            for (const [name, file] of UNTRAINED) {
              const model = await engines.untrained(name, file);
              // Rotary faults do nothing at position 0, and little at the next.
              const tokens = fc.array(fc.nat(UNTRAINED_VOCAB_SIZE - 1), { minLength: 6, maxLength: 14 });
              const count = context.planned / UNTRAINED.length;
              await context.search(tokens, count, (list) => largestRho(engines, model, list));
            }
          }),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: { cpu: LIVE.cpu.length * LIVE_LENGTHS.length, webgpu: LIVE.webgpu.length * LIVE_LENGTHS.length },
        run: (context) =>
          withEngines(context, async (engines) => {
            for (const file of LIVE[context.executor === 'webgpu' ? 'webgpu' : 'cpu']) {
              const model = await engines.bundled(file);
              for (const length of LIVE_LENGTHS) {
                const tokens = randomTokens(context, length, LIVE_VOCAB_SIZE);
                context.measure(await largestRho(engines, model, tokens), `${file}, ${length} tokens`);
              }
            }
          }),
      },
    },
    faults: known(attentionJudgement.faults, 'A5 A5-small'),
    faultsOnWebgpu: onWebgpu(
      'wgsl-rope-pairing wgsl-rope-one-pair wgsl-key-row-off wgsl-last-value-row-off wgsl-lost-scale ' +
        'wgsl-heads-interleaved wgsl-append-tail wgsl-lost-eps wgsl-missing-barrier wgsl-tail',
    ),
  },
};
