import { describe, expect, it } from 'vitest';
import { parseLayerRange, parseLayers, parseStages, selectStages } from '../../../src/engine/capture/select.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { openModelSource } from '../../../src/engine/model/open-model.ts';
import { STAGE_NAMES } from '../../../src/engine/program/stages.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { tinyGguf } from '../../fixtures/tiny-model.ts';

describe('parseStages', () => {
  it('takes names in any case and order, aliases, and all', () => {
    expect(parseStages(' FFN_out, attn_norm ')).toEqual(['attn_norm', 'ffn_out']);
    expect(parseStages('lm_head,layer_output,v_matmul,LAYER_output')).toEqual(['v_matmul', 'layer_output', 'lm_head']);
    expect(parseStages('all')).toEqual([...STAGE_NAMES]);
    expect(parseStages('lm_head,ALL')).toEqual([...STAGE_NAMES]);
  });

  it('refuses empty and unknown names, and says what it may have been', async () => {
    for (const text of ['', ' ', 'attn_norm,', ',v', 'v,,v']) await refusal('E_STAGE_EMPTY', () => parseStages(text));
    const near = await refusal('E_STAGE_UNKNOWN', () => parseStages('attn_nrom'));
    expect(near.message).toMatch(
      /^--save-tensor: "attn_nrom" is not a stage or value \(did you mean attn_norm\?\); there are embedding, .*all, .*moe_down\.$/,
    );
    const far = await refusal('E_STAGE_UNKNOWN', () => parseStages('zzzzzzzzzzz', '--stage'));
    expect(far.message).toMatch(/^--stage: "zzzzzzzzzzz" is not a stage or value; there are/);
    // A report prints ids; the flag takes a name, and the layer is a flag of its own.
    const id = await refusal('E_STAGE_UNKNOWN', () => parseStages('layer-12/v_matmul'));
    expect(id.message).toMatch(/Say "--save-tensor v_matmul --layers 12"\.$/);
    for (const name of ['constructor', '__proto__']) await refusal('E_STAGE_UNKNOWN', () => parseStages(name));
  });
});

describe('parseLayers', () => {
  it('takes numbers and ranges that include their end', () => {
    expect(parseLayers('0,1,13..15', 30)).toEqual([0, 1, 13, 14, 15]);
    expect(parseLayers(' 3 .. 3 ,2, 2..4', 30)).toEqual([2, 3, 4]);
    expect(parseLayers('all', 3)).toEqual([0, 1, 2]);
  });

  it.each(['', '0,', '-1', '30', '2..1', '28..30', '1.5', '0x1', 'one', '1...3', '9999999999'])(
    'refuses %j',
    async (text) => {
      await refusal('E_LAYERS', () => parseLayers(text, 30));
    },
  );
});

describe('parseLayerRange', () => {
  it('takes a range that excludes its end', () => {
    expect(parseLayerRange('0..1', 30)).toEqual([0]);
    expect(parseLayerRange('28..30', 30)).toEqual([28, 29]);
  });

  it.each(['', '0', '1..1', '2..1', '0..31', '0,1', '-1..2', '0..1..2'])('refuses %j', async (text) => {
    await refusal('E_LAYERS', () => parseLayerRange(text, 30));
  });
});

describe('selectStages', () => {
  it('binds layers to the stages of layers only, and names what the program lacks', async () => {
    const { program } = await openModelSource(new MemoryByteSource(tinyGguf({ layerCount: 3 })));
    const { stages, absent } = selectStages(program, {
      names: parseStages('lm_head,v,embedding,qkv_bias'),
      layers: [1, 2],
    });
    expect(stages.map(({ name, layer }) => [name, layer])).toEqual([
      ['v', 1],
      ['v', 2],
      ['lm_head', null],
    ]);
    expect(absent).toEqual(['qkv_bias']);
    const error = await refusal('E_SELECTION_EMPTY', () =>
      selectStages(program, { names: ['embedding'], layers: [2] }),
    );
    expect(error.exitCode).toBe(2);
  });
});
