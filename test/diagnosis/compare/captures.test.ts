// compareCaptures on captures in memory: order, verdicts, and where the drop is put.
import { describe, expect, test } from 'vitest';
import { compareCaptures, type CaptureSelection } from '../../../src/diagnosis/compare/captures.ts';
import type { Capture, CapturedFile, CaptureManifest } from '../../../src/engine/index.ts';

const everything: CaptureSelection = { stages: null, layers: null, limit: 3 };

interface FakeStage {
  stage: string;
  layer: number | null;
  shape?: number[];
  data: number[];
}

function capture(stages: readonly FakeStage[], manifest: Partial<CaptureManifest> = {}): Capture {
  const pathOf = ({ stage, layer }: FakeStage): string => `${layer === null ? '' : `layer-${layer}/`}${stage}.bin`;
  const files = new Map(
    stages.map((item): [string, CapturedFile] => [
      pathOf(item),
      {
        stage: item.stage,
        layer: item.layer,
        shape: item.shape ?? [2, item.data.length / 2],
        dtype: 'f32',
        sha256: '',
      },
    ]),
  );
  return {
    folder: 'memory',
    manifest: {
      schemaVersion: 1,
      model: { name: 'm', sha256: '0', architecture: 'llama' },
      tokens: [1, 2],
      positions: 'all',
      prompt: null,
      chatTemplateApplied: false,
      origin: { producer: { name: 'test', version: '1' } },
      files: Object.fromEntries(files),
      ...manifest,
    },
    paths: [...files.keys()],
    file: (path) => files.get(path),
    read: async (path) => Float32Array.from(stages.find((item) => pathOf(item) === path)?.data ?? []),
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
      'layer-0/attn_norm.bin',
      'layer-0/ffn_out.bin',
      'layer-0/gelu.bin',
      'layer-2/ffn_out.bin',
      'layer-10/attn_norm.bin',
      'lm_head.bin',
    ]);
  });

  test('the largest drop is where the cosine falls most, not where it is lowest', async () => {
    const a = capture([norm, out, head]);
    const b = capture([{ ...norm, data: [1, 1, 0, 1] }, { ...out, data: [1, 1.1, 0, 1] }, head]);
    const { largestDrop, firstDifference, stages } = await compareCaptures(a, b, everything);
    expect(firstDifference).toBe('layer-0/attn_norm.bin');
    expect(largestDrop).toMatchObject({ path: 'layer-0/attn_norm.bin', why: 'cosine' });
    const deltas = stages.map(({ cosineDelta }) => cosineDelta ?? NaN);
    expect(deltas.reduce((sum, delta) => sum + delta, 1)).toBeCloseTo(stages.at(-1)?.cosine ?? NaN, 12);
    expect(stages[0]?.differingPositions).toEqual([0]);
  });

  test('a fall as small as rounding makes it is not pointed at, and still differs', async () => {
    const near = { ...norm, data: [1, 1e-7, 0, 1] };
    const result = await compareCaptures(capture([norm]), capture([near]), everything);
    expect(result).toMatchObject({ verdict: 'differ', firstDifference: 'layer-0/attn_norm.bin', largestDrop: null });
  });

  test('a stage of another shape is named and prevents a pass', async () => {
    const a = capture([norm, out]);
    const same = await compareCaptures(a, capture([norm, { ...out, data: [1, 0] }]), everything);
    expect(same).toMatchObject({
      verdict: 'declined',
      shapeMismatches: [{ path: 'layer-0/ffn_out.bin', a: [2, 2], b: [2, 1] }],
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
    expect(result).toMatchObject({
      verdict: 'declined',
      onlyInA: ['layer-0/attn_norm.bin'],
      onlyInB: ['layer-0/ffn_out.bin'],
    });
  });

  test('captures that are not like for like are not read', async () => {
    const a = capture([norm]);
    const b: Capture = { ...capture([norm], { tokens: [1, 3] }), read: () => Promise.reject(new Error('was read')) };
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
    expect(stages.map(({ path }) => path)).toEqual(['layer-1/attn_norm.bin', 'lm_head.bin']);
  });
});
