// Tries to find a position at which the engine's Gemma 3 is not Transformers': windows in five layers of six, two thetas of
// which one is scaled, q and k normalised per head, and what Gemma 2 has; config.json of a model of text and of one that
// sees images too, GGUF; and the logits of a trained model, Gemma 3 270M, whose quantised weights Transformers was given as
// they decode. Not claimed: images, what quantisation costs.
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { ATTENTION_FAULTS } from '../src/diagnosis/faults/attention.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import type { Falsifier, Part } from '../src/runner/run/falsifier.ts';
import { divergences, engineLogits, parityFalsifiers } from './kit/claims/hf-parity.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';
import { readPackManifest, readPackStage } from './kit/models/packs.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: [
    { name: 'gemma3', files: ['hf', 'model.gguf'] },
    { name: 'gemma3-multimodal', files: ['hf'] },
  ],
  // 21 in each layer, 3 of the whole.
  stageCount: 2 * (6 * 21 + 3) + (2 * 21 + 3),
  faults: {
    logits: known(ARCHITECTURE_FAULTS, 'N3 N3-small N6 A9 R10 E1 M2-gelu A7'),
    stages: [
      ...known(ARCHITECTURE_FAULTS, 'N3-small N6-small A7 A7-small A9-small A10-small R10 R10-small'),
      ...known(ARCHITECTURE_FAULTS, 'E1-small A2-small M2-gelu-small'),
      ...known(ATTENTION_FAULTS, 'A6-small'),
      ...known(NORM_FAULTS, 'N1-small-in-oracle'),
      ...plants`
        src/engine/config/config-rules.ts
        gross gemma3-windows-first: the first layer of six sees all positions, and not the last
        - layer % period === period - 1
        + layer % period === 0
        src/engine/architectures/gemma3.ts
        small gemma3-one-theta: where a file has no theta for layers with a window, they take that of the others
        - const DEFAULT_LOCAL_THETA = 10_000;
        + const DEFAULT_LOCAL_THETA = 1_000_000;
        src/engine/architectures/decoder.ts
        small gemma3-local-scaled: layers with a window are scaled as the others are
        - scaling: { type: 'none' } as const
        + scaling: config.rope.scaling
      `,
    ],
    choice: known(ARCHITECTURE_FAULTS, 'N6 N3 R10 A9'),
  },
  onWebgpu: 'wgsl-gain-offset wgsl-gelu-cube',
});

const PACK = 'models/cache/packs/float64/gemma-3-270m';
const POSITIONS = 2;

const liveLogits: Part = {
  needs: ['model:gemma3-270m'],
  planned: POSITIONS,
  run: async (context) => {
    const manifest = await readPackManifest(context, PACK);
    const model = await context.openModel(context.model('model:gemma3-270m'));
    const executor = await context.openExecutor(model);
    if ((await model.sha256()) !== manifest.model.sha256) throw new Error(`${PACK} was not recorded of ${model.path}`);
    const logits = await engineLogits(executor, manifest.tokens);
    const theirs = await readPackStage(context, PACK, manifest, 'lm_head.bin');
    context.output(new Uint8Array(logits.buffer));
    for (const [p, kl] of divergences(theirs, logits, model.program.vocabSize).entries()) {
      context.measure(kl, `Gemma 3 270M, position ${p}`);
    }
    await executor.close();
    await model.close();
  },
};

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFG3-001': {
    ...logits,
    parts: { ...logits.parts, live: liveLogits },
    faults: [...logits.faults, ...known(ARCHITECTURE_FAULTS, 'A2-in-live A10-small-in-live')],
  },
  'FALSIFY-HFG3-002': stages,
  'FALSIFY-HFG3-003': choice,
};
