import { describe, expect, it } from 'vitest';
import { captureRun } from '../../../src/engine/capture/capture-run.ts';
import { StageCollector } from '../../../src/engine/capture/collect.ts';
import { attentionScores, attentionSoftmax } from '../../../src/engine/capture/scores.ts';
import { parseStages, selectStages, type Positions } from '../../../src/engine/capture/select.ts';
import { MemorySink, StatisticsSink, teeSinks } from '../../../src/engine/capture/sink.ts';
import { statisticsOf } from '../../../src/engine/capture/statistics.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { openModelSource } from '../../../src/engine/model/open-model.ts';
import type { Program } from '../../../src/engine/program/program.ts';
import { fakeElement, fakeExecutor } from '../../fixtures/fake-executor.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { tinyGguf } from '../../fixtures/tiny-model.ts';

const { program } = await openModelSource(new MemoryByteSource(tinyGguf({ architecture: 'qwen2', headDim: 12 })));
const tokens = [3, 1, 4, 1, 5];
const indexOf = (id: string): number => program.values.findIndex((value) => value.id === id);

async function captured(of: { chunkPositions: number; positions: Positions; program?: Program }): Promise<MemorySink> {
  const sink = new MemorySink();
  const used = of.program ?? program;
  const { stages } = selectStages(used, { names: parseStages('all'), layers: [0, 1] });
  const executor = fakeExecutor(used, of);
  await captureRun({ executor, tokens, stages, positions: of.positions, sink });
  return sink;
}

describe('captureRun', () => {
  it('captures every stage of the program, whole, in its shape', async () => {
    const { stages } = await captured({ chunkPositions: 8, positions: 'all' });
    expect(stages.size).toBe(program.stages.length);
    expect(stages.get('layer-1/qkv_bias')?.shape).toEqual([5, 48 + 24 + 24]);
    expect(stages.get('layer-0/attn_scores')?.shape).toEqual([4, 5, 5]);
    expect(stages.get('lm_head')).toMatchObject({ layer: null, shape: [5, 288] });
    const norm = stages.get('layer-1/attn_norm')?.data;
    expect(norm?.[4 * 32 + 7]).toBe(fakeElement(indexOf('layer-1/attn_norm'), 4, 7));
  });

  it('concatenates q, k and v position by position', async () => {
    const { stages } = await captured({ chunkPositions: 2, positions: 'all' });
    const row = stages.get('layer-0/qkv_matmul')?.data.subarray(3 * 96, 4 * 96);
    const part = (id: string, channel: number): number => fakeElement(indexOf(`layer-0/${id}`), 3, channel);
    expect([row?.[0], row?.[47], row?.[48], row?.[71], row?.[72], row?.[95]]).toEqual([
      part('q_matmul', 0),
      part('q_matmul', 47),
      part('k_matmul', 0),
      part('k_matmul', 23),
      part('v_matmul', 0),
      part('v_matmul', 23),
    ]);
  });

  it('gives the same bytes however the positions are chunked', async () => {
    const whole = await captured({ chunkPositions: 5, positions: 'all' });
    for (const chunkPositions of [1, 2, 3, 4]) {
      const cut = await captured({ chunkPositions, positions: 'all' });
      for (const [path, { data }] of whole.stages) expect(cut.stages.get(path)?.data, path).toEqual(data);
    }
  });

  it('keeps the last position only, when asked, with the values it has among all', async () => {
    const all = await captured({ chunkPositions: 5, positions: 'all' });
    for (const chunkPositions of [1, 3, 5]) {
      const last = await captured({ chunkPositions, positions: 'last' });
      expect(last.stages.size).toBe(all.stages.size);
      for (const [path, { data, shape }] of last.stages) {
        const whole = all.stages.get(path)?.data ?? new Float32Array();
        const [heads = 0] = shape;
        const expected = path.includes('attn_s')
          ? Array.from({ length: heads }, (_, head) => [
              ...whole.subarray((head * 5 + 4) * 5, (head * 5 + 5) * 5),
            ]).flat()
          : [...whole.subarray(whole.length - data.length)];
        expect([...data], path).toEqual(expected);
      }
    }
  });

  it('feeds several sinks at once', async () => {
    const [memory, statistics] = [new MemorySink(), new StatisticsSink()];
    const { stages } = selectStages(program, { names: ['attn_out', 'attn_softmax'], layers: [1] });
    const executor = fakeExecutor(program, { chunkPositions: 2 });
    await captureRun({ executor, tokens, stages, positions: 'all', sink: teeSinks(memory, statistics) });
    for (const [path, { data }] of memory.stages) {
      const { mean, ...rest } = statistics.stages.get(path)!.statistics;
      expect(mean).toBeCloseTo(statisticsOf(data).mean, 12);
      expect(rest.count).toBe(data.length);
    }
  });

  it('handles a program in which one value stands for two', async () => {
    const same = structuredClone(program);
    for (const stage of same.stages) {
      if (stage.source.from === 'concat') stage.source.values[1] = stage.source.values[2]!;
    }
    const { stages } = await captured({ chunkPositions: 2, positions: 'all', program: same });
    const data = stages.get('layer-0/qkv_matmul')?.data;
    expect(data?.subarray(48, 72)).toEqual(data?.subarray(72, 96));
  });
});

describe('StageCollector refuses', () => {
  const { stages } = selectStages(program, { names: ['attn_out'], layers: [0] });
  const options = { program, stages, positionCount: 2, positions: 'all' as const, sink: new MemorySink() };

  it('a run that ends early', async () => {
    const collector = new StageCollector(options);
    await collector.tap.onValue('layer-0/attn_out', new Float32Array(32), 0);
    await refusal('E_CAPTURE_INCOMPLETE', () => collector.finish());
    await collector.tap.onValue('layer-0/attn_out', new Float32Array(32), 1);
    collector.finish();
  });

  it('positions out of order, parts of a row, and values that do not exist', async () => {
    const collector = new StageCollector(options);
    const take = collector.tap.onValue.bind(collector.tap);
    await refusal('E_CAPTURE_ORDER', () => take('layer-0/attn_out', new Float32Array(32), 1));
    await refusal('E_CAPTURE_ORDER', () => take('layer-0/attn_out', new Float32Array(31), 0));
    await refusal('E_CAPTURE_VALUE', () => take('layer-9/attn_out', new Float32Array(32), 0));
    const unknown = { name: 'x', layer: null, source: { from: 'value' as const, value: 'nowhere' } };
    await refusal('E_CAPTURE_VALUE', () => new StageCollector({ ...options, stages: [unknown] }));
  });
});

describe('attention scores', () => {
  const shape = { headCount: 2, kvHeadCount: 1, headDim: 2, scale: 0.5, window: null };
  const q = Float32Array.of(1, 0, 0, 1, 1, 1, 2, 0, 0, 3, -1, 1); // [3, 2 heads · 2]
  const k = Float32Array.of(1, 2, 3, 4, 5, 6); // [3, 1 head · 2]

  it('are scale · q · k below the diagonal and 0 above it', () => {
    expect([...attentionScores(shape, 0, q, k)]).toEqual([0.5, 0, 0, 1.5, 3.5, 0, 3, 6, 9]);
    expect([...attentionScores(shape, 1, q, k)]).toEqual([1, 0, 0, 1, 3, 0, 0.5, 0.5, 0.5]);
  });

  it('are 0 where the window ends', () => {
    expect([...attentionScores({ ...shape, window: 2 }, 0, q, k)]).toEqual([0.5, 0, 0, 1.5, 3.5, 0, 0, 6, 9]);
    expect([...attentionSoftmax({ ...shape, window: 1 }, 0, q, k)]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  it('become probabilities over what is seen', () => {
    const rows = attentionSoftmax(shape, 1, q, k);
    expect([...rows.subarray(0, 3)]).toEqual([1, 0, 0]);
    expect(rows[3]).toBeCloseTo(1 / (1 + Math.exp(2)), 7);
    expect([...rows.subarray(6)]).toEqual([1 / 3, 1 / 3, 1 / 3].map(Math.fround));
  });

  it('do not overflow, and let NaN through', () => {
    const large = Float32Array.from(q, (value) => value * 1e6);
    expect([...attentionSoftmax(shape, 0, large, k).subarray(6)]).toEqual([0, 0, 1]);
    const broken = Float32Array.of(Number.NaN, ...q.subarray(1));
    expect(attentionSoftmax(shape, 0, broken, k)[0]).toBeNaN();
    expect(attentionSoftmax(shape, 0, broken, k)[3]).not.toBeNaN();
  });
});
