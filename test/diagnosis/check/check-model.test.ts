// The local check on the bundled model: silent on a healthy engine, at the right op on a broken one. The engine runs
// the fault; the judge's program and weights come from the file, which the fault did not touch.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULTS } from '../../../src/diagnosis/faults/catalogue.ts';
import { plantFrom } from '../../../src/diagnosis/faults/fault.ts';
import { checkModel, type CheckReport } from '../../../src/diagnosis/index.ts';
import { openPack, type Pack } from '../../../src/diagnosis/recordings/index.ts';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import { openModel, type Model, type ModelTransform } from '../../../src/engine/index.ts';

const bundled = fileURLToPath(new URL('../../../models/sums-2m/', import.meta.url));
/** A chat prompt; every position attends to others. */
const TOKENS = [766, 266, 198, 272, 269, 220, 17, 10, 17, 30, 767, 198, 766, 265, 198];

let [f16, q4]: Model[] = [];
let packs: Pack[] = [];
beforeAll(async () => {
  f16 = await openModel(`${bundled}sums-2m.f16.gguf`);
  q4 = await openModel(`${bundled}sums-2m.q4_k_m.gguf`);
  const folder = `${bundled}packs/float64`;
  const { program } = f16;
  packs = await Promise.all(readdirSync(folder).map((prompt) => openPack(`${folder}/${prompt}`, program)));
});
afterAll(async () => {
  await f16?.close();
  await q4?.close();
});

interface Asked {
  transform?: ModelTransform;
  /** The judge believes the fault too. */
  isShared?: boolean;
  isQuantized?: boolean;
  packs?: Pack[];
}

async function check({ transform, isShared, isQuantized, packs: given = [] }: Asked): Promise<CheckReport> {
  const healthy = isQuantized === true ? q4 : f16;
  if (healthy === undefined || f16 === undefined) throw new Error('the models are not open');
  const engine = await openModel(healthy.path, transform === undefined ? {} : { transform });
  const executor = await openCpuExecutor(engine.program, engine.weights);
  const judge = isShared === true ? engine : healthy;
  try {
    return await checkModel({
      executor,
      program: judge.program,
      weights: judge.weights,
      tokens: TOKENS,
      original: f16.weights,
      verifyOn: isShared === true ? engine.weights : f16.weights,
      packs: given,
      hasFreeRun: transform === undefined,
    });
  } finally {
    await executor.close();
    await engine.close();
  }
}

function model(id: string, size: 'gross' | 'small'): ModelTransform {
  const { inject } = plantFrom(FAULTS, id, size);
  if (inject.kind !== 'model') throw new Error(`${id} is not a fault of the model`);
  return inject.transform;
}

describe('a healthy engine', () => {
  it.each([false, true])('passes, quantised: %s, where packs vouch for the program', async (isQuantized) => {
    const report = await check({ isQuantized, packs });
    expect(report.sentence).toMatch(/^PASS: 79 of 79 ops/);
    expect(report.results.filter(({ status }) => status !== 'healthy')).toEqual([]);
    expect(report.coverage.missing).toEqual([]);
    expect(report.verification).toMatchObject({ status: 'verified', packs: { length: 5 } });
  });

  it('is told from its original by weight quantisation alone', async () => {
    const { results } = await check({ isQuantized: true });
    const logits = results.find(({ value }) => value === 'lm_head')?.split;
    expect(logits?.cosine).toBeLessThan(0.9999);
    expect(logits?.shares?.declaredFormats).toBe(0);
    expect(logits?.shares?.weightQuantization).toBeGreaterThan(1 - 1e-9);
  });

  it('is never passed while nothing vouches for its program', async () => {
    const report = await check({});
    expect(report.verdict).toBe('INCONCLUSIVE');
    expect(report.sentence).toContain('UNVERIFIED');
  });
});

describe('a broken engine', () => {
  it.each<[string, 'gross' | 'small', string, string]>([
    ['E3', 'gross', 'layer-0/embedding', 'EMBEDDING_FAILURE'],
    ['E3', 'small', 'layer-0/embedding', 'EMBEDDING_FAILURE'],
    ['N1', 'gross', 'layer-0/attn_norm', 'NORM_FAILURE'],
    ['N1', 'small', 'layer-0/attn_norm', 'NORM_FAILURE'],
    ['W2', 'gross', 'layer-0/q_matmul', 'QKV_FAILURE'],
    ['W2', 'small', 'layer-1/k_matmul', 'QKV_FAILURE'],
    ['W3', 'small', 'layer-1/k_matmul', 'QKV_FAILURE'],
    ['W4', 'small', 'layer-1/ffn_gate', 'FFN_FAILURE'],
    ['W17', 'gross', 'layer-0/q_bias', 'QKV_FAILURE'],
    ['W17', 'small', 'layer-1/v_bias', 'QKV_FAILURE'],
    ['W19', 'small', 'layer-1/ffn_norm', 'NORM_FAILURE'],
    ['R1', 'gross', 'layer-0/q_post_rope', 'ROPE_FAILURE'],
    ['R1', 'small', 'layer-1/q_post_rope', 'ROPE_FAILURE'],
    ['R2', 'gross', 'layer-0/q_post_rope', 'ROPE_FAILURE'],
    ['R2', 'small', 'layer-1/q_post_rope', 'ROPE_FAILURE'],
    ['R5', 'small', 'layer-1/q_post_rope', 'ROPE_FAILURE'],
    ['A1', 'gross', 'layer-0/attention', 'ATTENTION_FAILURE'],
    ['A1', 'small', 'layer-1/attention', 'ATTENTION_FAILURE'],
    ['A6', 'small', 'layer-1/attention', 'ATTENTION_FAILURE'],
  ])('with %s (%s) is a BUG at %s', async (id, size, value, bugClass) => {
    // Each fault on one of the two files in turn; the contract local-check-v1 has them on both.
    const report = await check({ transform: model(id, size), isQuantized: size === 'small' });
    expect(report, report.sentence).toMatchObject({ verdict: 'BUG', at: { value }, bugClass });
  });

  it('is faulty in one layer only: no later op is blamed', async () => {
    const { results } = await check({ transform: model('R1', 'small') });
    const blamed = results.filter(({ status }) => status !== 'healthy').map(({ value }) => value);
    expect(blamed).toEqual(['layer-1/q_post_rope', 'layer-1/k_post_rope']);
  });
});

describe('a suspicion', () => {
  /** Half a percent of eps: more than rounding is expected to do, less than it could do. */
  const transform: ModelTransform = {
    program: (program) => ({
      ...program,
      ops: program.ops.map((op) =>
        op.op === 'rmsnorm' && op.out === 'layer-0/attn_norm' ? { ...op, eps: op.eps * 1.005 } : op,
      ),
    }),
  };

  it('that comes again on the same tokens in another order is a BUG', async () => {
    const { results, verdict, at, sentence } = await check({ transform });
    const found = results.find(({ value }) => value === 'layer-0/attn_norm');
    expect(found?.status).toBe('suspect');
    expect(found?.rhoProven).toBeLessThan(1);
    expect({ verdict, at: at?.value }).toEqual({ verdict: 'BUG', at: 'layer-0/attn_norm' });
    expect(sentence).toContain('again on a second input');
  });
});

describe('a wrong program', () => {
  it.each(['R2', 'N1', 'R1'])('(%s) that the judge believes too is seen by the packs alone', async (id) => {
    const transform = model(id, 'gross');
    const alone = await check({ transform, isShared: true });
    expect(alone.results.filter(({ status }) => status !== 'healthy')).toEqual([]);
    expect(alone.verdict).toBe('INCONCLUSIVE');
    const withPacks = await check({ transform, isShared: true, packs });
    expect(withPacks).toMatchObject({ verdict: 'BUG', bugClass: 'CONFIG_METADATA_LOSS' });
    expect(withPacks.verification.firstDifference?.path).toMatch(/^layer-0\//);
  });
});
