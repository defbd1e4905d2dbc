// Tries to find a position at which the engine's Llama (Mistral included) is not Transformers': rope scaling by both
// rules, tied and untied heads, a window, bfloat16, config.json and GGUF; and on a trained model, SmolLM2, whose quantised
// weights Transformers was given as they decode. Not claimed: what quantisation costs.
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { ATTENTION_FAULTS } from '../src/diagnosis/faults/attention.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import type { Falsifier, Part, PartContext, PlantedFault } from '../src/runner/run/falsifier.ts';
import { withEngines } from './kit/claims/engine-runs.ts';
import {
  countWrongChoices,
  divergences,
  engineLogits,
  engineStages,
  noiseRatios,
  parityFalsifiers,
  type Subject,
} from './kit/claims/hf-parity.ts';
import { readPackManifest } from './kit/models/packs.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { slowForward } from './kit/references/slow-forward.ts';
import { openSmolLm2, SMOLLM2_PACK } from './kit/models/smollm2.ts';
import { known } from './kit/claims/known-faults.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: ['llama', 'llama-linear', 'mistral'].map((name) => ({ name, files: ['hf', 'model.gguf'] })),
  // 37 in each folder; 31 in each GGUF file, whose Q and K are permuted.
  stageCount: 3 * (37 + 31),
  faults: {
    logits: [...known(ROPE_FAULTS, 'R1 R1-small R2'), ...known(ARCHITECTURE_FAULTS, 'R3 R3-small A2')],
    stages: [
      ...known(NORM_FAULTS, 'N1 N1-small'),
      ...known(ROPE_FAULTS, 'R2-small'),
      ...known(ARCHITECTURE_FAULTS, 'R3-small A2-small'),
      ...known(ATTENTION_FAULTS, 'A6-small'),
    ],
    choice: [...known(ROPE_FAULTS, 'R1'), ...known(ARCHITECTURE_FAULTS, 'R3 A2'), ...known(ROPE_FAULTS, 'R1-small')],
  },
  onWebgpu: 'wgsl-rope-pairing wgsl-rope-one-pair',
});

/** Of SmolLM2's pack: its positions, and every stage of the program. */
const POSITIONS = 4;
const STAGES = 3 + 30 * 17;

type Packed = (path: string) => Promise<Float32Array>;

/** SmolLM2 on the engine, and what Transformers recorded of the same file. */
function onSmolLm2(
  planned: number,
  measure: (context: PartContext, subject: Subject, packed: Packed, paths: string[]) => Promise<void>,
): Part {
  return {
    needs: ['model:smollm2'],
    planned,
    run: (context) =>
      withEngines(context, async (engines) => {
        const { files } = await readPackManifest(context, SMOLLM2_PACK);
        const { slow, tokens, packed } = await openSmolLm2(context);
        const executor = await engines.executor(await engines.smolLm2());
        const subject = { executor, slow, tokens, random: new SeededRandom(context.seed) };
        await measure(context, subject, packed, Object.keys(files));
      }),
  };
}

const liveLogits = onSmolLm2(POSITIONS, async (context, { executor, slow, tokens }, packed) => {
  const logits = await engineLogits(executor, tokens);
  context.output(new Uint8Array(logits.buffer));
  for (const [p, kl] of divergences(await packed('lm_head.bin'), logits, slow.vocabSize).entries()) {
    context.measure(kl, `SmolLM2, position ${p}`);
  }
});

/** Layer outputs, final norm and logits against the pack; what it does not hold against the slow pass. */
const liveStages = onSmolLm2(STAGES, async (context, subject, packed, paths) => {
  const reference = new Map<string, ArrayLike<number>>(slowForward(subject.slow, subject.tokens));
  for (const path of paths) reference.set(path.replace(/\.bin$/, ''), await packed(path));
  const stages = await engineStages(subject.executor, subject.tokens);
  for (const [path, ratio] of noiseRatios(stages, reference, subject)) context.measure(ratio, `${path}, SmolLM2`);
});

const liveChoice = onSmolLm2(POSITIONS, async (context, subject, packed) => {
  const logits = await engineLogits(subject.executor, subject.tokens);
  const wrong = countWrongChoices(await packed('lm_head.bin'), logits, subject);
  for (const [p, count] of wrong.entries()) context.measure(count, `SmolLM2, position ${p}`);
});

const withLive = ({ parts, faults, ...rest }: Falsifier, live: Part, seen: PlantedFault[]): Falsifier => ({
  ...rest,
  parts: { ...parts, live },
  faults: [...faults, ...seen],
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFLL-001': withLive(logits, liveLogits, known(ROPE_FAULTS, 'R1-small-in-live')),
  'FALSIFY-HFLL-002': withLive(stages, liveStages, known(NORM_FAULTS, 'N1-small-in-live')),
  'FALSIFY-HFLL-003': withLive(choice, liveChoice, known(WEIGHT_FAULTS, 'W3-small-in-live')),
};
