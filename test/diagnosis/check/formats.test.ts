// Formats that nobody declared, found out op by op on a made-up engine whose formats are known: the right one, the
// narrowest, the odd one out, and a fault that no format explains.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormatSearch, undeclaredFormats, type InferredFormat } from '../../../src/diagnosis/check/formats.ts';
import { Judge, type OpResult } from '../../../src/diagnosis/check/judge.ts';
import { formatsNamed } from '../../../src/diagnosis/reference/profiles.ts';
import { openModel, type Model } from '../../../src/engine/index.ts';
import type { DeclaredFormats } from '../../../src/engine/program/numeric-profile.ts';
import { subjectValues, type Subject } from '../../../falsifiers/kit/models/subject.ts';

const MODEL = fileURLToPath(new URL('../../../models/sums-2m/sums-2m.q4_k_m.gguf', import.meta.url));
const TOKENS = [22, 10, 23, 28, 766, 266];
const LLAMA: Pick<Subject, 'activations' | 'cache'> = { activations: () => 'q8_k', cache: () => 'f16' };

let model: Model;
beforeAll(async () => {
  model = await openModel(MODEL);
});
afterAll(() => model.close());

interface Judged {
  unhealthy: OpResult[];
  inferred: InferredFormat[];
}

async function judged(
  subject: Pick<Subject, 'activations' | 'cache' | 'spoil'>,
  formats: DeclaredFormats = undeclaredFormats(),
): Promise<Judged> {
  const { program, weights } = model;
  const values = await subjectValues({ program, weights, tokens: TOKENS, ...subject });
  const judge = new Judge({ program, weights, tokens: TOKENS, formats, hasFreeRun: false, original: null });
  for (const op of program.ops) await judge.judge(op.out, values.get(op.out) ?? new Float32Array(0), 0);
  return { unhealthy: judge.finish().filter(({ status }) => status !== 'healthy'), inferred: judge.formats() };
}

const textOf = ({ inferred }: Judged): string[] =>
  inferred.map(({ of, text, others }) => `${text}${of === null ? '' : ` for ${of}`}${others.length === 0 ? '' : ' !'}`);

describe('formats that are not declared', () => {
  it('are found: 8-bit activations by type of the weights, and a float16 cache', async () => {
    const found = await judged(LLAMA);
    expect(found.unhealthy.map(({ value }) => value)).toEqual([]);
    expect(textOf(found).toSorted()).toEqual([
      'KV cache f16',
      'activations q8_k for q4_k',
      'activations q8_k for q6_k',
    ]);
  });

  it('are none where the engine rounds nothing: the narrowest is taken', async () => {
    const found = await judged({});
    expect(found.unhealthy).toEqual([]);
    expect(textOf(found).toSorted()).toEqual(['KV cache f32', 'activations f32 for q4_k', 'activations f32 for q6_k']);
  });

  it('that differ in one layer from all others are named there', async () => {
    const { unhealthy, inferred } = await judged({
      activations: ({ out }) => (out === 'layer-1/ffn_up' ? 'f32' : 'q8_k'),
      cache: ({ out }) => (out === 'layer-2/attention' ? 'f32' : 'f16'),
    });
    expect(unhealthy).toEqual([]);
    expect(inferred.flatMap(({ others }) => others)).toEqual([
      { value: 'layer-1/ffn_up', text: 'activations f32' },
      { value: 'layer-2/attention', text: 'KV cache f32' },
    ]);
  });

  it.each<[string, number]>([
    ['layer-1/ffn_up', 1.0001],
    ['layer-0/attention', 1.0001],
    ['layer-3/attn_out', 0],
  ])('explain no fault: %s times %d is found there', async (value, factor) => {
    const spoil: Subject['spoil'] = (op, y) => {
      if (op.out === value) for (let i = 8; i < 40; i += 1) y[i] = (y[i] ?? 0) * factor;
    };
    const found = await judged({ ...LLAMA, spoil });
    expect(found.unhealthy.map((result) => [result.value, result.status])).toEqual([[value, 'faulty']]);
    expect(textOf(found).some((text) => text.endsWith('!'))).toBe(false);
  });

  it('may be others for another number of rows, or of positions: what is odd is odd among the layers of one step', () => {
    const search = new FormatSearch(undeclaredFormats());
    const ops = model.program.ops.filter((op) => op.op === 'attention');
    const settleAll = (rowCount: number, positionCount: number, wanted: (layer: number) => string): void => {
      const shape = { weightType: undefined, columnCount: 32, rowCount, positionCount };
      for (const [layer, op] of ops.entries()) {
        const choice = search.choices(op, shape).find(({ text }) => text === wanted(layer));
        if (choice !== undefined) search.settle(op, shape, choice);
      }
    };
    settleAll(86, 89, () => 'KV cache f16');
    settleAll(1, 90, () => 'KV cache f32');
    expect(search.finish().map(({ rows, others }) => [rows, others.length])).toEqual([
      [86, 0],
      [1, 0],
    ]);
    settleAll(1, 91, (layer) => (layer === 2 ? 'KV cache bf16' : 'KV cache f16'));
    expect(search.finish().flatMap(({ others }) => others)).toEqual([
      { value: 'layer-2/attention', text: 'KV cache bf16' },
    ]);
  });

  it('are not looked for where they are declared: another engine is at fault', async () => {
    const { unhealthy, inferred } = await judged(LLAMA, formatsNamed('float32', 'test'));
    expect(unhealthy[0]).toMatchObject({ value: 'layer-0/q_matmul', status: 'faulty', format: null });
    expect(inferred).toEqual([]);
  });

  it('of a preset are tried first, and what it leaves open is found', async () => {
    const found = await judged(LLAMA, formatsNamed('llama.cpp', 'test'));
    expect(found.unhealthy).toEqual([]);
    expect(found.inferred.find(({ part }) => part === 'attention')?.text).toBe('KV cache f16');
  });
});
