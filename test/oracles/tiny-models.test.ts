// Every supported architecture against Transformers in float64, at every stage, from config.json and from GGUF. What no
// check inside the engine can see (a theta, an order of norms, a window) shows here, at the stage where it begins.
import { globSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCpuExecutor } from '../../src/engine/cpu/cpu-executor.ts';
import {
  captureRun,
  MemorySink,
  openModel,
  type Executor,
  type Model,
  type ModelConfig,
  type ModelTransform,
  type Op,
} from '../../src/engine/index.ts';
import { openFloat64Executor } from '../../src/oracles/float64/float64-executor.ts';
import { klDivergence } from '../../falsifiers/kit/judges/comparisons.ts';
import { readTinyPack, relativeError } from '../../falsifiers/kit/models/tiny-packs.ts';

const root = fileURLToPath(new URL('../../models/tiny/', import.meta.url));
const packOf = (name: string, prompt: 'stages' | 'logits' | 'within') =>
  readTinyPack(`${root}${name}/packs/${prompt}.safetensors`);

/** Rows of Q and K of a llama GGUF are permuted within each head, and so is what is computed from them. */
const PERMUTED = /qkv_matmul|q_post_rope|k_post_rope/;
/**
 * Both sides are float64 with sums in their own order: some 40 ops of sums of at most 80 terms, 2^-53 each, are 3.6e-13.
 * Seen: 5.6e-15 at worst. A GGUF file holds the llama3 factors as float32; seen then: 5.4e-9.
 */
const MAX_ERROR = 1e-12;
const MAX_ERROR_OF_FLOAT32 = 1e-8;
const maxErrorOf = (name: string, file: string): number =>
  name === 'llama' && file !== 'hf' ? MAX_ERROR_OF_FLOAT32 : MAX_ERROR;
const MAX_KL = 1e-8;
/** float32 over two or three layers. Seen: 1.2e-6 of a stage's largest value. */
const MAX_CPU_ERROR = 4e-6;

/** Frequencies depend on the length of the text: `within` is a prompt of no more than the original context. */
const BY_LENGTH: ReadonlySet<string> = new Set(['llama-longrope', 'llama-dynamic', 'phi3-longrope']);

/** Stages of the run by path, in canonical order, and its logits. */
async function stagesOf<Data extends Float32Array | Float64Array>(
  executor: Executor<Data>,
  model: Model,
  tokens: readonly number[],
): Promise<Map<string, { data: Data; shape: readonly number[] }>> {
  const sink = new MemorySink<Data>();
  const { stages } = model.program;
  await captureRun<Data>({ executor, tokens: [...tokens], stages, positions: 'all', sink, logits: 'none' });
  return sink.stages;
}

/** Stages beyond `limit`, in the order in which they are computed. */
async function badStages(
  folder: string,
  name: string,
  limit: number,
  transform: ModelTransform = {},
  open: (model: Model) => Promise<Executor<Float64Array> | Executor> = (model) =>
    openFloat64Executor(model.program, model.weights),
): Promise<string[]> {
  const { manifest, stages: theirs } = await packOf(name, 'stages');
  const model = await openModel(folder, { transform });
  const executor = (await open(model)) as Executor<Float64Array>;
  const ours = await stagesOf(executor, model, manifest.tokens);
  const isPermuted = model.format === 'gguf' && model.config.architecture === 'llama';
  expect([...ours.keys()].toSorted()).toEqual([...theirs.keys()].toSorted());
  const bad: string[] = [];
  for (const [path, { data, shape }] of ours) {
    if (isPermuted && PERMUTED.test(path)) continue;
    const reference = theirs.get(path);
    expect(shape, path).toEqual(reference?.shape);
    if (!(relativeError(data, reference?.values ?? []) <= limit)) bad.push(path);
  }
  await executor.close();
  await model.close();
  return bad;
}

/** All that there are; GGUF cannot say what some of them are. */
const sources = ['hf', 'model.gguf'].flatMap((file) =>
  globSync(`*/${file}`, { cwd: root }).map((path) => [dirname(path), file] as const),
);

describe.each(sources)('%s from %s', (name, file) => {
  const folder = `${root}${name}/${file}`;

  it('is what Transformers computes, at every stage', async () => {
    expect(await badStages(folder, name, maxErrorOf(name, file))).toEqual([]);
  });

  it('has the logits of Transformers at every position', async () => {
    const { manifest, stages } = await packOf(name, 'logits');
    const reference = stages.get('lm_head')?.values ?? new Float64Array();
    const model = await openModel(folder);
    const executor = await openFloat64Executor(model.program, model.weights);
    const session = await executor.openSession(manifest.tokens.length);
    const { logits } = await session.run({ tokens: manifest.tokens, logits: 'all' });
    expect(relativeError(logits, reference)).toBeLessThanOrEqual(maxErrorOf(name, file));
    const { vocabSize } = model.program;
    for (let at = 0; at < reference.length; at += vocabSize) {
      const kl = klDivergence(reference.subarray(at, at + vocabSize), logits.subarray(at, at + vocabSize));
      expect(Math.abs(kl)).toBeLessThanOrEqual(MAX_KL);
    }
    await model.close();
  });

  // The stages of the other models on the CPU are FALSIFY-HF*-002.
  if (name === 'qwen2-window') {
    it('runs on the CPU kernels within float32', async () => {
      const open = (model: Model) => openCpuExecutor(model.program, model.weights);
      expect(await badStages(folder, name, MAX_CPU_ERROR, {}, open)).toEqual([]);
    });
  }

  it('gives the same bits token by token, in chunks and at once', async () => {
    const { manifest } = await packOf(name, 'logits');
    const model = await openModel(folder);
    const run = async (chunkPositions: number, step: number): Promise<Float32Array[]> => {
      const executor = await openCpuExecutor(model.program, model.weights, { chunkPositions });
      const session = await executor.openSession(manifest.tokens.length);
      const rows: Float32Array[] = [];
      for (let at = 0; at < manifest.tokens.length; at += step) {
        const { logits } = await session.run({ tokens: manifest.tokens.slice(at, at + step), logits: 'all' });
        for (let row = 0; row < logits.length; row += model.program.vocabSize) {
          rows.push(logits.slice(row, row + model.program.vocabSize));
        }
      }
      await executor.close();
      return rows;
    };
    const whole = await run(64, 64);
    expect(await run(64, 1)).toEqual(whole);
    expect(await run(5, 64)).toEqual(whole);
    await model.close();
  });
});

describe('frequencies that go by the length of the text', () => {
  const byLength = sources.filter(([name]) => BY_LENGTH.has(name));

  it.each(byLength)('are those of Transformers within the original context too: %s from %s', async (name, file) => {
    const { manifest, stages } = await packOf(name, 'within');
    const model = await openModel(`${root}${name}/${file}`);
    const executor = await openFloat64Executor(model.program, model.weights);
    const ours = await stagesOf(executor, model, manifest.tokens);
    const isPermuted = file !== 'hf';
    const paths = [...stages.keys()].filter((path) => !isPermuted || !PERMUTED.test(path));
    expect(paths).toHaveLength(isPermuted ? 1 : 5);
    for (const path of paths) {
      const error = relativeError(ours.get(path)?.data ?? [], stages.get(path)?.values ?? []);
      expect(error, path).toBeLessThanOrEqual(MAX_ERROR);
    }
    await model.close();
  });
});

/** A change of the config, and the first stage that must show it. */
const config = (change: (config: ModelConfig) => Partial<ModelConfig>): ModelTransform => ({
  config: (own) => ({ ...own, ...change(own) }),
});
const renormalised = (isRenormalised: boolean): ModelTransform => ({
  program: (program) => ({
    ...program,
    ops: program.ops.map((op) => (op.op === 'moeRoute' ? { ...op, isRenormalised } : op)),
  }),
});
const headWidth = (more: number) => config(({ headDim }) => ({ attentionScale: 1 / Math.sqrt(headDim + more) }));
/** Rotates before it normalises. */
const normAfterRope: ModelTransform = {
  program: (program) => {
    const ops = program.ops.map((op): Op => {
      if (op.op === 'rmsnorm' && /[qk]_norm$/.test(op.out)) return { ...op, in: op.out.replace('_norm', '_post_rope') };
      if (op.op === 'rope') return { ...op, in: op.in.replace('_norm', '_matmul') };
      if (op.op === 'attention')
        return { ...op, q: op.q.replace('_post_rope', '_norm'), k: op.k.replace('_post_rope', '_norm') };
      return op;
    });
    const rank = (op: Op): number => (op.op === 'rmsnorm' && /[qk]_norm$/.test(op.out) ? 0.5 : 0);
    const at = (op: Op): number =>
      rank(op) === 0
        ? ops.indexOf(op)
        : ops.findIndex((other) => other.op === 'rope' && other.out === (op as { in: string }).in) + 0.5;
    return { ...program, ops: ops.toSorted((a, b) => at(a) - at(b)) };
  },
};
const theta = config(({ rope }) => ({ rope: { ...rope, theta: rope.theta * 1.001 } }));
const eps = config(({ rmsNormEps }) => ({ rmsNormEps: rmsNormEps * 1.1 }));
const scaling = config(({ rope }) => ({ rope: { ...rope, scaling: { type: 'none' } } }));
/** Of whatever scaling the model has. */
const scaledBy = (change: object) =>
  config(({ rope }) => ({ rope: { ...rope, scaling: { ...rope.scaling, ...change } } }));
const pairing = config(({ rope }) => ({ rope: { ...rope, pairing: 'norm' } }));
const oneMoreSeen = config(({ slidingWindow }) => ({ slidingWindow: (slidingWindow ?? 0) + 1 }));

const ROTATED = 'layer-0/q_post_rope';
const SCORES = 'layer-0/attn_scores';

describe('a planted config fault is seen at the stage where it begins:', () => {
  it.each<[string, string, ModelTransform, string]>([
    ['llama', 'theta', theta, ROTATED],
    ['llama', 'eps', eps, 'layer-0/attn_norm'],
    ['llama', 'no scaling', scaling, ROTATED],
    ['llama', 'pairing', pairing, ROTATED],
    ['llama-linear', 'no scaling', scaling, ROTATED],
    ...(['llama-yarn', 'qwen2-yarn', 'qwen3-yarn', 'llama-longrope', 'llama-dynamic'] as const).map(
      (name) => [name, 'no scaling', scaling, ROTATED] as [string, string, ModelTransform, string],
    ),
    ['llama-yarn', 'factor', scaledBy({ factor: 4.004 }), ROTATED],
    ['llama-yarn', 'no attention factor', scaledBy({ attentionFactor: 1 }), ROTATED],
    ['llama-yarn', 'linear', scaledBy({ type: 'linear' }), ROTATED],
    ['qwen2-yarn', 'betas swapped', scaledBy({ betaFast: 0.03, betaSlow: 0.4 }), ROTATED],
    ['qwen2-yarn', 'betas of other models', scaledBy({ betaFast: 32, betaSlow: 1 }), ROTATED],
    ['qwen2-yarn', 'ends of the ramp whole', scaledBy({ isTruncated: true }), ROTATED],
    ['qwen2-yarn', 'attention factor of the plain rule', scaledBy({ attentionFactor: 1 + 0.1 * Math.log(8) }), ROTATED],
    ['qwen3-yarn', 'ends of the ramp not whole', scaledBy({ isTruncated: false }), ROTATED],
    ['qwen3-yarn', 'betas swapped', scaledBy({ betaFast: 1, betaSlow: 32 }), ROTATED],
    ['qwen3-yarn', 'original context', scaledBy({ originalContextLength: 8192 }), ROTATED],
    ['llama-longrope', 'short factors beyond the context', scaledBy({ originalContextLength: 9 }), ROTATED],
    ['llama-longrope', 'no attention factor', scaledBy({ attentionFactor: 1 }), ROTATED],
    ['llama-dynamic', 'factor', scaledBy({ factor: 4.004 }), ROTATED],
    ['llama-dynamic', 'theta as it is', scaledBy({ originalContextLength: 9 }), ROTATED],
    ['mistral', 'window', oneMoreSeen, SCORES],
    ['mistral', 'no window', config(() => ({ slidingWindow: null })), SCORES],
    ['qwen2', 'scale of another head width', headWidth(4), SCORES],
    ['qwen2-window', 'window in every layer', config(() => ({ fullAttentionLayers: [] })), SCORES],
    ['qwen2-window', 'window in no layer', config(() => ({ slidingWindow: null })), 'layer-1/attn_scores'],
    ['qwen3', 'norm after rotation', normAfterRope, ROTATED],
    ['qwen3', 'eps', eps, 'layer-0/attn_norm'],
    ['qwen3moe', 'shares not renormalised', renormalised(false), 'layer-0/moe_router'],
    ['qwen3moe-raw', 'shares renormalised', renormalised(true), 'layer-0/moe_router'],
    ['gemma2', 'no offset of gains', config(() => ({ normOffset: 0 })), 'layer-0/attn_norm'],
    ['gemma2', 'no scale of the embedding', config(() => ({ embeddingScale: 1 })), 'layer-0/embedding'],
    ['gemma2', 'no cap of scores', config(() => ({ attentionSoftcap: null })), SCORES],
    ['gemma2', 'another cap of logits', config(() => ({ logitSoftcap: 30 })), 'lm_head'],
    ['gemma2', 'windows in the other layers', config(() => ({ fullAttentionLayers: [0, 2] })), SCORES],
    ['gemma2', 'window', oneMoreSeen, SCORES],
    ['gemma2-scalar', 'scale from the head width', headWidth(0), SCORES],
    ['gemma3', 'no theta of layers with a window', config(() => ({ localTheta: null })), ROTATED],
    ['gemma3', 'theta of layers with a window', config(() => ({ localTheta: 10_010 })), ROTATED],
    ['gemma3', 'theta of the others', theta, 'layer-5/q_post_rope'],
    ['gemma3', 'no scaling of the others', scaling, 'layer-5/q_post_rope'],
    ['gemma3', 'a pattern shifted by one', config(() => ({ fullAttentionLayers: [4] })), 'layer-4/q_post_rope'],
    ['gemma3', 'window', oneMoreSeen, SCORES],
    ['gemma3', 'norm after rotation', normAfterRope, ROTATED],
    ['gemma3', 'no offset of gains', config(() => ({ normOffset: 0 })), 'layer-0/attn_norm'],
    ['gemma3-multimodal', 'scale from the head width', headWidth(0), SCORES],
    [
      'gemma3-multimodal',
      'thetas exchanged',
      config(({ rope }) => ({ localTheta: rope.theta })),
      'layer-1/q_post_rope',
    ],
    ['phi3', 'no window', config(() => ({ slidingWindow: null })), SCORES],
    ['phi3', 'pairing', pairing, ROTATED],
    ['phi3-longrope', 'short factors beyond the context', scaledBy({ originalContextLength: 9 }), ROTATED],
    ['phi3-longrope', 'lists exchanged', scaledBy({ short: [1.25, 3.5, 16], long: [1, 1.125, 1.75] }), ROTATED],
    ['phi3-longrope', 'no attention factor', scaledBy({ attentionFactor: 1 }), ROTATED],
    ['phi3-longrope', 'pairing', pairing, ROTATED],
  ])('%s: %s', async (name, _, transform, first) => {
    expect((await badStages(`${root}${name}/hf`, name, MAX_ERROR, transform))[0]).toBe(first);
  });
});
