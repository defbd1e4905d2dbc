// Every op of every architecture has a budget that a healthy engine keeps: small models with random weights, made from
// a seed. And the ops that only some architectures have are judged, not waved through.
import { describe, expect, it } from 'vitest';
import { checkModel, type CheckReport } from '../../../src/diagnosis/index.ts';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import type { Program } from '../../../src/engine/index.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights, type SyntheticConfig } from '../../cases/synthetic-model.ts';

const plain = { ...SMALL_CONFIG, hasQkvBias: false };
const CONFIGS: Readonly<Record<string, SyntheticConfig>> = {
  qwen2: SMALL_CONFIG,
  qwen3: { ...plain, architecture: 'qwen3', hasQkNorm: true },
  gemma2: {
    ...plain,
    architecture: 'gemma2',
    attentionSoftcap: 5,
    logitSoftcap: 3,
    embeddingScale: 8,
    normOffset: 1,
    isTied: true,
  },
  gemma3: {
    ...plain,
    architecture: 'gemma3',
    localTheta: 100,
    fullAttentionLayers: [1],
    embeddingScale: 8,
    normOffset: 1,
    hasQkNorm: true,
    isTied: true,
  },
  phi3: { ...plain, architecture: 'phi3', rope: { ...plain.rope, rotaryDim: 12 } },
  qwen3moe: {
    ...plain,
    architecture: 'qwen3moe',
    hasQkNorm: true,
    experts: { count: 8, usedCount: 2, ffnDim: 32, isRenormalised: true },
  },
};

async function check(
  config: SyntheticConfig,
  fault: (program: Program) => Program = (same) => same,
): Promise<CheckReport> {
  const program = syntheticProgram(config);
  const weights = syntheticWeights(program, () => 'f16', 3);
  const executor = await openCpuExecutor(fault(program), weights);
  const tokens = Array.from({ length: 20 }, (_, i) => (7 * i + 3) % config.vocabSize);
  const none = { original: null, verifyOn: null, packs: [], hasFreeRun: true };
  const report = await checkModel({ executor, program, weights, tokens, ...none });
  await executor.close();
  return report;
}

function changed(op: string, change: object): (program: Program) => Program {
  return (program) => ({ ...program, ops: program.ops.map((one) => (one.op === op ? { ...one, ...change } : one)) });
}

describe('the judge', () => {
  it.each(Object.entries(CONFIGS))('finds a healthy %s healthy, op by op', async (_, config) => {
    const { results, coverage } = await check(config);
    expect(coverage.missing).toEqual([]);
    expect(results.filter(({ status }) => status !== 'healthy')).toEqual([]);
  });

  it.each<[string, keyof typeof CONFIGS, object]>([
    ['scale', 'gemma2', { factor: 8.01 }],
    ['softcap', 'gemma2', { cap: 3.001 }],
    ['attention', 'gemma2', { softcap: 5.01 }],
    ['moeRoute', 'qwen3moe', { isRenormalised: false }],
    ['rmsnorm', 'gemma2', { gainOffset: 0 }],
  ])('finds a wrong %s in %s', async (op, name, change) => {
    const { verdict, at } = await check(CONFIGS[name] ?? SMALL_CONFIG, changed(op, change));
    expect({ verdict, op: at?.op }).toEqual({ verdict: 'BUG', op });
  });
});
