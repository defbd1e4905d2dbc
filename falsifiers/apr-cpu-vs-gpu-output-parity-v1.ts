// Tries to find a position at which the GPU's logits are further from the CPU's than the declared roundings of the two
// explain, or a greedy text that splits where double precision has no tie. Teacher-forced over positions; the first position
// gates nothing. Not claimed: that either is right (hf-parity-*-v1 says so of both).
import fc from 'fast-check';
import type { PositionParity } from '../src/diagnosis/parity/compare.ts';
import type { Falsifier, PartContext } from '../src/runner/run/falsifier.ts';
import {
  bothEngines,
  closeCpu,
  GATING_FROM,
  greedy,
  inDraws,
  inSpreads,
  teacherForced,
} from './apr-cpu-vs-gpu-output-parity-v1/engines.ts';
import { withEngines, type Engines } from './kit/claims/engine-runs.ts';
import { onWebgpu } from './kit/claims/on-webgpu.ts';

/** One of each kind of op: plain, head norms, experts, softcaps and GELU. */
const MODELS = ['llama', 'qwen2', 'qwen3', 'qwen3moe', 'gemma2', 'phi3'];
const UNTRAINED_VOCAB_SIZE = 80;
/** Searched token lists for each model. */
const LISTS = 2;
const SAID = 8;

const Q4_K = 'sums-2m.q4_k_m.gguf';
const QUESTIONS = ['12+30=', 'spell cat backwards'];
const ASK = ['--temperature', '0', '--max-tokens', '12', '--json'];
/** Rendered as one question with its answer; the model's own ids. */
const FORCED = [766, 42, 88, 84, 81, 210, 5, 9, 300, 17];

const tokens = fc.array(fc.nat(UNTRAINED_VOCAB_SIZE - 1), { minLength: 4, maxLength: 12 });

/** Searched tokens on every model. */
async function onUntrained(
  context: PartContext,
  measure: (engines: Engines, name: string, list: readonly number[]) => Promise<number>,
): Promise<void> {
  await withEngines(context, async (engines) => {
    try {
      for (const name of MODELS) {
        const count = context.planned / MODELS.length;
        await context.search(tokens, count, (list) => measure(engines, name, list));
      }
    } finally {
      await closeCpu();
    }
  });
}

const worstOf = (positions: readonly PositionParity[], measure: (position: PositionParity) => number): number =>
  Math.max(...positions.slice(GATING_FROM).map(measure));

/** Margin over spread at the first token on which the two texts part; 0 where they do not. */
async function splitOf(engines: Engines, name: string, list: readonly number[]): Promise<number> {
  const both = await bothEngines(engines, await engines.untrained(name, 'model.gguf'));
  const [cpu, gpu] = [await greedy(both.cpu, list, SAID), await greedy(both.gpu, list, SAID)];
  const at = splitAt(cpu, gpu);
  return at === -1 ? 0 : tieAt((await teacherForced(both, [...list, ...cpu.slice(0, at)])).at(-1));
}

/** Of two texts; one that ends where the other goes on is a split too. -1: there is none. */
function splitAt(a: readonly number[], b: readonly number[]): number {
  return Array.from({ length: Math.max(a.length, b.length) }).findIndex((_, i) => a[i] !== b[i]);
}

/** Where all tokens at once do not part the two, one at a time must not. */
function tieAt(last: PositionParity | undefined): number {
  return last === undefined || last.isSameTop ? Number.NaN : inSpreads(last);
}

interface ParityJson {
  verdict: string;
  positions: PositionParity[];
}

/** `apr parity` against the CPU, as a user asks for it. */
async function askParity(context: PartContext, ids: readonly number[]): Promise<ParityJson> {
  const model = context.model('model:sums-2m', Q4_K);
  const argv = ['parity', model, '--tokens', ids.join(), '--json', ...context.engine];
  const { stdout, stderr, exitCode } = await context.program('apr', argv);
  if (stdout === '') throw new Error(`apr parity ended with ${exitCode}: ${stderr.trim().split('\n').at(-1)}`);
  return JSON.parse(stdout) as ParityJson;
}

interface RunJson {
  promptIds: number[];
  generatedIds: number[];
  text: string;
}

async function ask(context: PartContext, question: string, engine: readonly string[]): Promise<RunJson | null> {
  const model = context.model('model:sums-2m', Q4_K);
  const { stdout, stderr, exitCode } = await context.program('apr', ['run', model, question, ...ASK, ...engine]);
  // A GPU that its gate refuses has said nothing, and is as far off as can be.
  if (exitCode === 1 && stderr.includes('E_PARITY_GATE')) return null;
  if (exitCode !== 0) throw new Error(`apr run ended with ${exitCode}: ${stderr.trim().split('\n').at(-1)}`);
  return JSON.parse(stdout) as RunJson;
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-CPU-GPU-001': {
    parts: {
      generated: {
        planned: LISTS * MODELS.length,
        run: (context) =>
          onUntrained(context, async (engines, name, list) => {
            const both = await bothEngines(engines, await engines.untrained(name, 'model.gguf'));
            return worstOf(await teacherForced(both, list), inDraws);
          }),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: FORCED.length - GATING_FROM + 1,
        async run(context) {
          const { verdict, positions } = await askParity(context, FORCED);
          for (const position of positions.slice(GATING_FROM)) {
            context.measure(inDraws(position), `position ${position.position}`);
          }
          context.measure(verdict === 'DIFFERENT' || verdict === 'BUG' ? Infinity : 0, `apr parity says ${verdict}`);
        },
      },
    },
    faults: [],
    faultsOnWebgpu: onWebgpu('wgsl-rope-pairing wgsl-last-value-row-off wgsl-key-row-off-in-live'),
  },
  'FALSIFY-CPU-GPU-002': {
    parts: {
      generated: { planned: LISTS * MODELS.length, run: (context) => onUntrained(context, splitOf) },
      live: {
        needs: ['model:sums-2m'],
        planned: QUESTIONS.length,
        async run(context) {
          for (const question of QUESTIONS) {
            const cpu = await ask(context, question, ['--engine', 'cpu']);
            const gpu = await ask(context, question, context.engine);
            if (cpu === null || gpu === null) {
              context.measure(Infinity, `the parity gate refuses ${JSON.stringify(question)}`);
              continue;
            }
            const at = splitAt(cpu.generatedIds, gpu.generatedIds);
            const forced = [...cpu.promptIds, ...cpu.generatedIds.slice(0, at)];
            const last = at === -1 ? null : (await askParity(context, forced)).positions.at(-1);
            context.measure(last === null ? 0 : tieAt(last), JSON.stringify([question, cpu.text, gpu.text]));
            context.output(gpu.text);
          }
        },
      },
    },
    faults: [],
    faultsOnWebgpu: onWebgpu('wgsl-rope-pairing wgsl-key-row-off wgsl-append-row-off-in-live'),
  },
};
