// q and k in both orders, with real numbers: one tiny model as a folder of Transformers (halves) and as a llama GGUF
// file (pairs). What one computes is what the other does once the order is the same, and only q and k have an order.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compareCaptures } from '../../../src/diagnosis/compare/captures.ts';
import { asPack } from '../../../src/diagnosis/recordings/open-pack.ts';
import { openRecording, parseStageMap } from '../../../src/diagnosis/recordings/index.ts';
import type { Recording } from '../../../src/diagnosis/recordings/recording.ts';
import { inRows } from '../../../src/diagnosis/recordings/rotary-rows.ts';
import { rotaryLayoutOf, type RotaryLayout } from '../../../src/engine/capture/rotary-layout.ts';
import { captureRun, MemorySink, openModel, type FloatArray, type Program } from '../../../src/engine/index.ts';
import { stagesById } from '../../../src/engine/capture/select.ts';
import { openFloat64Executor } from '../../../src/oracles/float64/float64-executor.ts';
import { safetensorsDump, type Stages } from '../../fixtures/recording-files.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();
const TOKENS = [3, 17, 42, 79, 5];
/** Two orders of the same float64 sums of at most 80 terms, after two layers. Seen: 2e-15 of the largest value. */
const MAX_ERROR = 1e-12;

/** Every stage and value, each once. */
async function computed(file: 'hf' | 'model.gguf'): Promise<{ program: Program; stages: Stages }> {
  const model = await openModel(fileURLToPath(new URL(`../../../models/tiny/mistral/${file}`, import.meta.url)));
  const executor = await openFloat64Executor(model.program, model.weights);
  const sink = new MemorySink<Float64Array>();
  const stages = [...stagesById(model.program).values()];
  await captureRun<Float64Array>({ executor, tokens: TOKENS, stages, positions: 'all', sink });
  await executor.close();
  await model.close();
  return { program: model.program, stages: sink.stages };
}

const RUN = { tokens: TOKENS, positions: 'all', prompt: null, chatTemplateApplied: false };
const manifestWith = (rotary: object): string =>
  JSON.stringify({
    schemaVersion: 1,
    producer: { name: 'stranger', version: '1', dtype: 'float64' },
    model: { name: 'mistral', sha256: '', architecture: 'mistral' },
    ...RUN,
    rotary,
  });

async function recorded(name: string, stages: Stages, rotary: RotaryLayout): Promise<Recording> {
  const path = join(folder, name);
  await writeFile(path, safetensorsDump(stages, { manifest: manifestWith(rotary) }));
  return openRecording(path);
}

async function largestError(a: Recording, b: Recording): Promise<Map<string, number>> {
  const errors = new Map<string, number>();
  for (const [id, { name }] of a.tensors) {
    const [x, y] = [Array.from((await a.read(id)).data), (await b.read(id)).data];
    const largest = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = x.reduce((most, value, i) => Math.max(most, Math.abs(value - (y[i] ?? Number.NaN))), 0) / largest;
    errors.set(name, Math.max(errors.get(name) ?? 0, error));
  }
  return errors;
}

let halves: Recording;
let pairs: Recording;
let hfProgram: Program;
let ggufProgram: Program;
const HALVES: RotaryLayout = { rows: 'halves', headDim: 16, rotaryDim: 16, kvHeadCount: 2 };
const PAIRS: RotaryLayout = { ...HALVES, rows: 'pairs' };

beforeAll(async () => {
  const [hf, gguf] = [await computed('hf'), await computed('model.gguf')];
  [hfProgram, ggufProgram] = [hf.program, gguf.program];
  halves = await recorded('halves', hf.stages, HALVES);
  pairs = await recorded('pairs', gguf.stages, PAIRS);
});

describe('the order of q and k', () => {
  it('is that of the file a program was compiled from', () => {
    expect(rotaryLayoutOf(hfProgram)).toEqual(HALVES);
    expect(rotaryLayoutOf(ggufProgram)).toEqual(PAIRS);
  });

  it('is all by which the two differ', async () => {
    const before = [...(await largestError(pairs, halves))].filter(([, error]) => !(error <= MAX_ERROR));
    const sides = ['q_matmul', 'k_matmul', 'qkv_matmul', 'q_post_rope', 'k_post_rope'];
    expect(before.map(([name]) => name).toSorted()).toEqual(sides.toSorted());
    const there = await largestError(pairs, inRows(PAIRS, halves));
    for (const [name, error] of there) expect(error, name).toBeLessThan(MAX_ERROR);
    // Read as a pack it is rounded once, to float32.
    const packed = await largestError(pairs, asPack(halves, ggufProgram));
    for (const [name, error] of packed) expect(error, name).toBeLessThan(2 ** -24);
    const back = await largestError(halves, inRows(HALVES, pairs));
    for (const [name, error] of back) expect(error, name).toBeLessThan(MAX_ERROR);
  });

  it('is refused where it does not say all', async () => {
    for (const rotary of [
      { ...HALVES, rows: 'sideways' },
      { ...HALVES, rotaryDim: 17 },
      { rows: 'halves' },
      'halves',
    ]) {
      const path = join(folder, 'refused');
      await writeFile(path, safetensorsDump(new Map(), { manifest: manifestWith(rotary as object) }));
      await refusal('E_MANIFEST', () => openRecording(path));
    }
  });

  it('is the same before and after where both say the same, and where nothing is said', async () => {
    expect(inRows(HALVES, halves)).toBe(halves);
    const silent = { ...halves, rotaryRows: null };
    expect(inRows(PAIRS, silent)).toBe(silent);
  });

  it('of a comparison is that of the side which says it', async () => {
    const selection = { stages: null, layers: null, limit: 3 };
    const { stages } = await compareCaptures(pairs, inRows(pairs.rotary ?? HALVES, halves), selection);
    for (const { path, cosine } of stages) expect(cosine, path).toBeGreaterThan(1 - 1e-9);
  });

  it('is said by a map for what the map names, and not for our own captures', async () => {
    const map = parseStageMap('rotary_rows: halves\nstages:\n  q_matmul: "q.{layer}"', 'map.yaml');
    const rows = { shape: [1, 4], data: Float32Array.of(0, 1, 2, 3) };
    await writeFile(join(folder, 'theirs'), safetensorsDump(new Map([['q.0', rows]])));
    await writeFile(join(folder, 'ours'), safetensorsDump(new Map([['layer-0/q_matmul', rows]])));
    const wanted: RotaryLayout = { rows: 'pairs', headDim: 4, rotaryDim: 4, kvHeadCount: 1 };
    const read = async (name: string): Promise<number[]> =>
      Array.from((await inRows(wanted, await openRecording(join(folder, name), map)).read('layer-0/q_matmul')).data);
    expect(await read('theirs')).toEqual([0, 2, 1, 3]);
    expect(await read('ours')).toEqual([0, 1, 2, 3]);
  });

  it('goes back to what it was, whatever the widths', async () => {
    const half = fc.integer({ min: 1, max: 6 });
    const heads = fc.integer({ min: 1, max: 3 });
    await fc.assert(
      fc.asyncProperty(half, fc.integer({ min: 0, max: 5 }), heads, heads, async (pairCount, rest, queryHeads, kv) => {
        const headDim = 2 * pairCount + rest;
        const layout: RotaryLayout = { rows: 'halves', headDim, rotaryDim: 2 * pairCount, kvHeadCount: kv };
        const width = (queryHeads + 2 * kv) * headDim;
        const data = Float32Array.from({ length: 2 * width }, (_, i) => i);
        const there = fake(data, width, 'halves');
        const pairsOf = inRows({ ...layout, rows: 'pairs' }, there);
        const { data: moved } = await pairsOf.read('qkv_matmul');
        const unmoved = Array.from(moved).flatMap((value, i) => (value === i ? [i % width] : []));
        // v, and what is not rotated.
        for (let channel = (queryHeads + kv) * headDim; channel < width; channel += 1)
          expect(unmoved).toContain(channel);
        const { data: back } = await inRows(layout, fake(moved, width, 'pairs')).read('qkv_matmul');
        expect(Array.from(back)).toEqual(Array.from(data));
      }),
      { numRuns: 60 },
    );
  });
});

function fake(data: FloatArray, width: number, rotaryRows: RotaryLayout['rows']): Recording {
  const shape = [data.length / width, width];
  return {
    ...halves,
    rotaryRows,
    tensors: new Map([['qkv_matmul', { source: '', name: 'qkv_matmul', layer: 0, shape }]]),
    read: async () => ({ shape, data, dtype: 'f32' }),
  };
}
