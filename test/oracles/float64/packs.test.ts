// The whole executor on the bundled model against Transformers in float64: every stage of every prompt. The packs hold
// float32, so half a unit of float32 is the packs' own; what is left beyond that is the claim.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureRun, MemorySink, openModel, type Executor, type Model } from '../../../src/engine/index.ts';
import { openFloat64Executor } from '../../../src/oracles/float64/float64-executor.ts';
import { ulpAt } from '../../cases/ulp.ts';

const MODEL = new URL('../../../models/sums-2m/', import.meta.url);
const PROMPTS = ['chat-addition', 'raw-sum', 'spell-backwards', 'two-turns', 'unicode'];

/**
 * Beyond the packs' rounding, relative to the largest value of the stage. Both sides are float64 with sums in their own
 * order: a product of ffn_dim = 768 terms may round by 768 · 2^-53 = 8.5e-14 of Σ|w||x|, and a stage hangs on several in
 * a row. Measured: 1.1e-13 at the worst of 5 prompts; float32 is 2^-24 = 6e-8.
 */
const BEYOND_ROUNDING = 1e-12;

interface Manifest {
  tokens: number[];
  files: Record<string, { stage: string; shape: number[]; sha256: string }>;
}

function readPack(prompt: string): { manifest: Manifest; stage: (path: string) => Float32Array } {
  const folder = new URL(`packs/float64/${prompt}/`, MODEL);
  const manifest = JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')) as Manifest;
  return {
    manifest,
    stage(path) {
      const bytes = readFileSync(new URL(path, folder));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(manifest.files[path]?.sha256);
      return new Float32Array(new Uint8Array(bytes.subarray(12)).buffer);
    },
  };
}

/** How far beyond half a float32 unit the worst element is, relative to the stage's largest. */
function beyondRounding(ours: Float64Array, pack: Float32Array): number {
  expect(ours.length).toBe(pack.length);
  const largest = pack.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let worst = 0;
  for (const [i, value] of pack.entries()) {
    worst = Math.max(worst, Math.abs((ours[i] ?? Number.NaN) - value) - ulpAt(value) / 2);
  }
  return worst === 0 ? 0 : worst / largest;
}

function logSoftmax(logits: Float64Array): Float64Array {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return logits.map((logit) => logit - largest - Math.log(total));
}

/** Σ e^p (p − q) of one position. */
function divergence(pack: Float64Array, ours: Float64Array): number {
  const [p, q] = [logSoftmax(pack), logSoftmax(ours)];
  return p.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - (q[i] ?? Number.NaN)), 0);
}

describe('the float64 executor on sums-2m', () => {
  let model: Model;
  let executor: Executor<Float64Array>;
  beforeAll(async () => {
    model = await openModel(fileURLToPath(new URL('sums-2m.f16.gguf', MODEL)));
    executor = await openFloat64Executor(model.program, model.weights);
  });
  afterAll(() => model.close());

  it.each(PROMPTS)('gives every stage of the pack of %s', async (prompt) => {
    const { manifest, stage } = readPack(prompt);
    const sink = new MemorySink<Float64Array>();
    const { stages } = model.program;
    const options = { executor, tokens: manifest.tokens, stages, positions: 'all', sink, logits: 'all' } as const;
    const { logits } = await captureRun<Float64Array>(options);

    const files = Object.keys(manifest.files);
    expect([...sink.stages.keys()].map((id) => `${id}.bin`).toSorted()).toEqual(files.toSorted());
    for (const [path, { shape }] of Object.entries(manifest.files)) {
      const ours = sink.stages.get(path.replace(/\.bin$/, ''));
      expect(ours?.shape, path).toEqual(shape);
      expect(beyondRounding(ours?.data ?? new Float64Array(), stage(path)), path).toBeLessThanOrEqual(BEYOND_ROUNDING);
    }

    expect(logits).toEqual(sink.stages.get('lm_head')?.data);
    const { vocabSize } = model.program;
    const pack = Float64Array.from(stage('lm_head.bin'));
    for (let row = 0; row < pack.length; row += vocabSize) {
      const kl = divergence(pack.subarray(row, row + vocabSize), logits.subarray(row, row + vocabSize));
      expect(Math.abs(kl)).toBeLessThanOrEqual(1e-12);
    }
  });

  it('would not pass with a wrong eps, theta, bias or rounding to float32', async () => {
    const { manifest, stage } = readPack('raw-sum');
    const final = async (change: (program: Model['program']) => Model['program']): Promise<number> => {
      const changed = await openFloat64Executor(change(structuredClone(model.program)), model.weights);
      const session = await changed.openSession(manifest.tokens.length);
      const { logits } = await session.run({ tokens: manifest.tokens, logits: 'all' });
      return beyondRounding(logits, stage('lm_head.bin'));
    };
    const changeOps = (apply: (op: Model['program']['ops'][number]) => void) => (program: Model['program']) => {
      for (const op of program.ops) apply(op);
      return program;
    };
    expect(await final((program) => program)).toBeLessThanOrEqual(BEYOND_ROUNDING);
    const changes = [
      changeOps((op) => void (op.op === 'rmsnorm' && (op.eps *= 1.001))),
      changeOps((op) => void (op.op === 'rope' && (op.rope.theta *= 1.0001))),
      changeOps((op) => void (op.op === 'attention' && op.layer === 3 && (op.scale *= 1 + 2 ** -24))),
    ];
    for (const change of changes) expect(await final(change)).toBeGreaterThan(BEYOND_ROUNDING);
  });
});
