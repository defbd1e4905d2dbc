// The parity claims on the bundled model and the float64 pack of Transformers, with theta, eps or the bias lost on the way
// in: what the harness reports as the first failure is the first stage that is wrong.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { falsifiers } from '../../falsifiers/hf-parity-qwen2-v1.ts';
import { openModel, type Model, type ModelTransform } from '../../src/engine/index.ts';
import type { Bar } from '../../src/runner/contract/bar.ts';
import { plannedOn } from '../../src/runner/run/planned.ts';
import { RecordingContext } from '../../src/runner/run/part-context.ts';
import type { PartReport } from '../../src/runner/run/protocol.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MODULE = fileURLToPath(new URL('../../falsifiers/hf-parity-qwen2-v1.ts', import.meta.url));

const BARS: Readonly<Record<string, Bar>> = {
  'FALSIFY-HFQ2-001': { metric: 'kl_divergence', comparator: '<=', threshold: 1e-6, unit: 'nats', basis: 'contract' },
  'FALSIFY-HFQ2-002': {
    metric: 'times_float32_noise',
    comparator: '<=',
    threshold: 8,
    unit: 'times',
    basis: 'contract',
  },
};

/** Opens models with a fault, as the harness does in a process of its own. */
class ContextWithFault extends RecordingContext {
  transform: ModelTransform = {};

  override openModel(path: string): Promise<Model> {
    return openModel(path, { transform: this.transform });
  }
}

async function comparedWithPack(claim: string, config: NonNullable<ModelTransform['config']>): Promise<PartReport> {
  const part = falsifiers[claim]?.parts.oracle;
  const bar = BARS[claim];
  if (part === undefined || bar === undefined) throw new Error(`${claim} has no oracle part`);
  const context = new ContextWithFault(
    {
      type: 'part',
      address: { module: MODULE, claim },
      part: 'oracle',
      executor: 'cpu',
      seed: 1,
      bar,
      root: ROOT,
      folder,
      stopAtFirst: false,
      replays: [],
      replayOnly: false,
    },
    plannedOn('cpu', part),
    null,
    () => {},
  );
  context.transform = { config };
  await part.run(context);
  return context.report;
}

const LOST: readonly [string, NonNullable<ModelTransform['config']>, string][] = [
  ['theta', (config) => ({ ...config, rope: { ...config.rope, theta: 1e6 } }), 'layer-0/q_post_rope'],
  ['eps', (config) => ({ ...config, rmsNormEps: 1e-5 }), 'layer-0/attn_norm'],
  ['bias', (config) => ({ ...config, hasQkvBias: false }), 'layer-0/qkv_bias'],
];

describe('against the float64 pack', () => {
  it.each(LOST)('a lost %s is red, and the first bad stage is named', async (_, config, firstBadStage) => {
    const stages = await comparedWithPack('FALSIFY-HFQ2-002', config);
    expect(stages.failure).toMatchObject({ kind: 'measure', where: `${firstBadStage}, chat-addition` });
    expect(stages.failure?.value).not.toBeLessThanOrEqual(8);
    const logits = await comparedWithPack('FALSIFY-HFQ2-001', config);
    expect(logits.failure?.value).toBeGreaterThan(1e-6);
  });
});
