// compareCaptures on captures in memory: order, verdicts, and where the drop is put.
import { describe, expect, test } from 'vitest';
import { compareCaptures, type CaptureSelection } from '../../../src/diagnosis/compare/captures.ts';
import { likeForLike } from '../../../src/diagnosis/compare/like-for-like.ts';
import type { RecordedTensor, Recording } from '../../../src/diagnosis/recordings/recording.ts';
import { stageId } from '../../../src/engine/program/stages.ts';

const everything: CaptureSelection = { stages: null, layers: null, limit: 3 };

interface FakeStage {
  stage: string;
  layer: number | null;
  shape?: number[];
  data: number[];
}

function capture(stages: readonly FakeStage[], changed: Partial<Recording> = {}): Recording {
  const byId = new Map(stages.map((item) => [stageId({ name: item.stage, layer: item.layer }), item]));
  const tensorOf = ({ stage: name, layer, data, shape = [2, data.length / 2] }: FakeStage): RecordedTensor => {
    return { source: '', name, layer, shape };
  };
  return {
    path: 'memory',
    form: 'capture',
    label: 'memory',
    manifest: null,
    tokens: [1, 2],
    positions: 'all',
    origin: null,
    dtype: null,
    formats: null,
    tensors: new Map([...byId].map(([id, item]) => [id, tensorOf(item)])),
    otherNames: [],
    rotaryRows: null,
    rotary: null,
    nameOf: () => null,
    read: async (id) => ({ shape: [], data: Float32Array.from(byId.get(id)?.data ?? []), dtype: 'f32' }),
    digest: async () => '',
    ...changed,
  };
}

const norm = { stage: 'attn_norm', layer: 0, data: [1, 0, 0, 1] };
const out = { stage: 'ffn_out', layer: 0, data: [1, 0, 0, 1] };
const head = { stage: 'lm_head', layer: null, data: [3, 1, 2, 5, 1, 1] };

describe('compareCaptures', () => {
  test('stages come in order of execution, whatever the order of the files, and unknown names last', async () => {
    const foreign = { stage: 'gelu', layer: 0, data: [1, 1] };
    const deep = { ...norm, layer: 10 };
    const a = capture([head, deep, foreign, { ...out, layer: 2 }, out, norm]);
    const { stages, verdict } = await compareCaptures(a, a, everything);
    expect(verdict).toBe('identical');
    expect(stages.map(({ path }) => path)).toEqual([
      'layer-0/attn_norm',
      'layer-0/ffn_out',
      'layer-0/gelu',
      'layer-2/ffn_out',
      'layer-10/attn_norm',
      'lm_head',
    ]);
  });

  test('the largest drop is where the cosine falls most, not where it is lowest', async () => {
    const a = capture([norm, out, head]);
    const b = capture([{ ...norm, data: [1, 1, 0, 1] }, { ...out, data: [1, 1.1, 0, 1] }, head]);
    const { largestDrop, firstDifference, stages } = await compareCaptures(a, b, everything);
    expect(firstDifference).toBe('layer-0/attn_norm');
    expect(largestDrop).toMatchObject({ path: 'layer-0/attn_norm', why: 'cosine' });
    const deltas = stages.map(({ cosineDelta }) => cosineDelta ?? NaN);
    expect(deltas.reduce((sum, delta) => sum + delta, 1)).toBeCloseTo(stages.at(-1)?.cosine ?? NaN, 12);
    expect(stages[0]?.differingPositions).toEqual([0]);
  });

  test('a fall as small as rounding makes it is not pointed at, and still differs', async () => {
    const near = { ...norm, data: [1, 1e-7, 0, 1] };
    const result = await compareCaptures(capture([norm]), capture([near]), everything);
    expect(result).toMatchObject({ verdict: 'differ', firstDifference: 'layer-0/attn_norm', largestDrop: null });
  });

  test('a stage of another shape is named and prevents a pass', async () => {
    const a = capture([norm, out]);
    const same = await compareCaptures(a, capture([norm, { ...out, data: [1, 0] }]), everything);
    expect(same).toMatchObject({
      verdict: 'declined',
      shapeMismatches: [{ path: 'layer-0/ffn_out', a: [2, 2], b: [2, 1] }],
    });
    const changed = await compareCaptures(
      a,
      capture([
        { ...norm, data: [2, 0, 0, 1] },
        { ...out, data: [1, 0] },
      ]),
      everything,
    );
    expect(changed.verdict).toBe('differ');
  });

  test('nothing in common is declined', async () => {
    const result = await compareCaptures(capture([norm]), capture([out]), everything);
    expect(result).toMatchObject({ verdict: 'declined', onlyInA: ['layer-0/attn_norm'], onlyInB: ['layer-0/ffn_out'] });
  });

  test('captures that are not like for like are not read', async () => {
    const a = capture([norm]);
    const b: Recording = { ...capture([norm], { tokens: [1, 3] }), read: () => Promise.reject(new Error('was read')) };
    const { verdict, refusals, stages } = await compareCaptures(a, b, everything);
    expect({ verdict, stages }).toEqual({ verdict: 'declined', stages: [] });
    expect(refusals).toEqual(['token 1 is 2 in one and 3 in the other']);
  });

  test('a window of the last position is counted from there', async () => {
    const last = { positions: 'last', tokens: [7, 8, 9] } as const;
    const row = { stage: 'lm_head', layer: null, shape: [1, 3], data: [1, 5, 2] };
    const result = await compareCaptures(
      capture([row], last),
      capture([{ ...row, data: [9, 5, 2] }], last),
      everything,
    );
    expect(result.stages[0]?.differingPositions).toEqual([2]);
    expect(result.choices).toMatchObject([{ position: 2, argmaxA: 1, argmaxB: 0, isSameArgmax: false, marginA: 3 }]);
  });

  test('layers do not bind whole-model stages', async () => {
    const a = capture([norm, { ...norm, layer: 1 }, head]);
    const { stages } = await compareCaptures(a, a, { ...everything, layers: new Set([1]) });
    expect(stages.map(({ path }) => path)).toEqual(['layer-1/attn_norm', 'lm_head']);
  });
});

describe('likeForLike', () => {
  const pie = capture([norm], { path: 'a', tokens: [3, 1, 4, 1, 5] });
  test.each<[Partial<Recording>, string[]]>([
    [{}, []],
    [{ tokens: [3, 1, 4, 2, 5] }, ['token 3 is 1 in one and 2 in the other']],
    [{ tokens: [3, 1] }, ['the prompts have 5 and 2 tokens']],
    [{ positions: 'last' }, ['one holds all 5 positions and the other the last position (4) only']],
    [{ path: 'b', tokens: null }, ['b does not say which tokens ran (a map can: --map, tokens)']],
    [
      { path: 'b', tensors: new Map(), otherNames: ['x.0'] },
      ['nothing in b is named like a stage or value, x.0 for one (a map can name them: --map)'],
    ],
  ])('of a recording and the same with %j', (changed, reasons) => {
    expect(likeForLike(pie, { ...pie, ...changed })).toEqual(reasons);
  });
});

test('two tokenizers of one text are named, and a text that one of them may compose', () => {
  const pie = capture([{ stage: 'embedding', layer: null, data: [1, 2] }]);
  const saying = (prompt: string | null, tokens: number[]): Parameters<typeof likeForLike>[0] => ({
    ...pie,
    tokens,
    manifest: { prompt },
  });
  const apart = 'token 1 is 2 in one and 3 in the other';
  expect(likeForLike(saying('e\u0301', [1, 2]), saying('e\u0301', [1, 3]))).toEqual([
    apart,
    expect.stringMatching(/^the prompt is the same text: .*not in Unicode's NFC.*--tokens$/),
  ]);
  expect(likeForLike(saying('\u00e9', [1, 2]), saying('\u00e9', [1, 3]))).toEqual([
    apart,
    expect.not.stringContaining('NFC'),
  ]);
  expect(likeForLike(saying('a', [1, 2]), saying('b', [1, 3]))).toEqual([apart]);
  expect(likeForLike(saying('a', [1, 2]), saying('a', [1, 2]))).toEqual([]);
});
