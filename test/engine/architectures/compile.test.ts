import { describe, expect, it } from 'vitest';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { openModelSource } from '../../../src/engine/model/open-model.ts';
import { checkProgram } from '../../../src/engine/program/check-program.ts';
import { operands, type Program } from '../../../src/engine/program/program.ts';
import { inOrder } from '../../../src/engine/program/stages.ts';
import { LLAMA_LAYER } from '../../fixtures/llama-layer.ts';
import { tinyGguf, type TinyModelOptions } from '../../fixtures/tiny-model.ts';

const open = (options: TinyModelOptions) => openModelSource(new MemoryByteSource(tinyGguf(options)));

async function programOf(options: TinyModelOptions): Promise<Program> {
  return (await open(options)).program;
}

describe('compileProgram', () => {
  it.each(['llama', 'qwen2'] as const)('makes a %s program that executors accept', async (architecture) => {
    for (const shape of [{}, { headDim: 12 }, { isTied: true, kvHeadCount: 1 }, { kvHeadCount: 4, layerCount: 1 }]) {
      const model = await open({ architecture, ...shape });
      expect(() => checkProgram(model.program, model.weights)).not.toThrow();
    }
  });

  it('writes every value once, before it is read, in the order of the values', async () => {
    const { ops, values, logits } = await programOf({ architecture: 'qwen2' });
    const written: string[] = [];
    for (const op of ops) {
      const { reads, writes } = operands(op);
      for (const value of reads) expect(written).toContain(value);
      written.push(writes);
    }
    expect(written).toEqual(values.map(({ id }) => id));
    expect(new Set(written).size).toBe(written.length);
    expect(logits).toBe('lm_head');
  });

  it('names the stages of a llama layer in canonical order', async () => {
    const { stages } = await programOf({ layerCount: 2 });
    const named = (layer: number | null) => stages.filter((stage) => stage.layer === layer).map(({ name }) => name);
    expect(named(0)).toEqual(['embedding', ...LLAMA_LAYER]);
    expect(named(1)).toEqual(LLAMA_LAYER);
    expect(named(null)).toEqual(['final_norm', 'lm_head']);
    expect(stages.map(({ layer }) => layer ?? 99)).toEqual(
      stages.map(({ layer }) => layer ?? 99).toSorted((a, b) => a - b),
    );
    expect(stages).toEqual(stages.toSorted(inOrder));
  });

  it('has qkv_bias exactly where there are biases, and takes v after it', async () => {
    const { stages } = await programOf({ architecture: 'qwen2' });
    const layer = stages.filter((stage) => stage.layer === 1);
    expect(layer.map(({ name }) => name)).toEqual(['attn_norm', 'qkv_matmul', 'qkv_bias', ...LLAMA_LAYER.slice(2)]);
    expect(layer.find(({ name }) => name === 'v')?.source).toEqual({ from: 'value', value: 'layer-1/v_bias' });
    expect(layer.find(({ name }) => name === 'qkv_matmul')?.source).toEqual({
      from: 'concat',
      values: ['layer-1/q_matmul', 'layer-1/k_matmul', 'layer-1/v_matmul'],
    });
  });

  it('demands the weights of the config, each once, by GGUF name and row-major', async () => {
    const { weights } = await programOf({ headDim: 12, layerCount: 1 });
    expect(weights.map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
      'token_embd.weight 288x32',
      'blk.0.attn_norm.weight 32',
      'blk.0.attn_q.weight 48x32',
      'blk.0.attn_k.weight 24x32',
      'blk.0.attn_v.weight 24x32',
      'blk.0.attn_output.weight 32x48',
      'blk.0.ffn_norm.weight 32',
      'blk.0.ffn_gate.weight 96x32',
      'blk.0.ffn_up.weight 96x32',
      'blk.0.ffn_down.weight 32x96',
      'output_norm.weight 32',
      'output.weight 288x32',
    ]);
    const tied = await programOf({ isTied: true, layerCount: 1 });
    expect(tied.weights.map(({ name }) => name)).not.toContain('output.weight');
    expect(tied.ops.at(-1)).toMatchObject({ op: 'matmul', weight: 'token_embd.weight' });
  });

  it('scales by the head, not by the model', async () => {
    const { ops } = await programOf({ headDim: 12 });
    expect(ops.find((op) => op.op === 'attention')).toMatchObject({
      scale: 1 / Math.sqrt(12),
      headCount: 4,
      kvHeadCount: 2,
    });
  });

  it('is plain data', async () => {
    const program = await programOf({});
    expect(structuredClone(program)).toEqual(program);
    expect(JSON.parse(JSON.stringify(program))).toEqual(program);
  });
});
