// Maps in files: what they can say, which goes before which, and what is refused with its place.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRecording, parseStageMap, readMaps } from '../../../src/diagnosis/recordings/index.ts';
import { BUILT_IN_MAPS } from '../../../src/diagnosis/recordings/maps/built-in.ts';
import type { ModelNames } from '../../../src/diagnosis/recordings/stage-map.ts';
import { stageId } from '../../../src/engine/index.ts';
import { safetensorsDump } from '../../fixtures/recording-files.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);
const PLAIN: ModelNames = { names: new Set(['q_matmul', 'ffn_gate', 'ffn_up']), layerCount: 3 };
const BIASED: ModelNames = { ...PLAIN, names: new Set([...PLAIN.names, 'q_bias']) };

const found = (text: string, name: string, model: ModelNames | null = PLAIN): string[] | null =>
  parseStageMap(text, 'map.yaml')
    .find(name, model)
    ?.keys.map((key) => stageId(key)) ?? null;

describe('a map', () => {
  it('says what a name is: of a layer, of one, of the last, of the next, behind any path', () => {
    const text = `
stages:
  attn_norm: "h.{layer}.norm"
  layer-0/ffn_out: first.mlp
  layer-last/ffn_out: last.mlp
  post_ffn_residual: "h.{layer+1}.sum"
  ffn_up: "*h.{layer}.up"
  final_norm: norm
`;
    expect(found(text, 'h.12.norm')).toEqual(['layer-12/attn_norm']);
    expect(found(text, 'h.012.norm')).toBeNull();
    expect(found(text, 'x.h.12.norm')).toBeNull();
    expect(found(text, 'first.mlp')).toEqual(['layer-0/ffn_out']);
    expect(found(text, 'last.mlp')).toEqual(['layer-2/ffn_out']);
    expect(found(text, 'last.mlp', null)).toBeNull();
    expect(found(text, 'h.1.sum')).toEqual(['layer-0/post_ffn_residual']);
    expect(found(text, 'h.0.sum')).toBeNull();
    expect(found(text, 'any.path.h.1.up')).toEqual(['layer-1/ffn_up']);
    expect(found(text, 'depth.1.up')).toBeNull();
    expect(found(text, 'norm.output')).toEqual(['final_norm']);
  });

  it('gives a name another meaning where the model has a stage', () => {
    const text = 'stages:\n  q_matmul: "q.{layer}"\nwhere:\n  q_bias:\n    q_bias: "q.{layer}"\n';
    expect(found(text, 'q.1')).toEqual(['layer-1/q_matmul']);
    expect(found(text, 'q.1', null)).toEqual(['layer-1/q_matmul']);
    expect(found(text, 'q.1', BIASED)).toEqual(['layer-1/q_bias']);
  });

  it('knows names of nothing, in some models only where it says so', () => {
    const text = 'stages:\n  ignored: [cos, sin]\n  embedding: embed\nwhere:\n  q_bias: {ignored: "*embed"}\n';
    expect(found(text, 'sin')).toEqual([]);
    expect(found(text, 'tan')).toBeNull();
    expect(found(text, 'embed')).toEqual(['layer-0/embedding']);
    expect(found(text, 'embed', BIASED)).toEqual([]);
  });

  it('completes one that is built in, and goes before it', async () => {
    await writeFile(
      at('mine.yaml'),
      'tokens: [1]\nstages:\n  q_matmul: "mine.{layer}"\n  ffn_up: "*layers.{layer}.mlp.gate_proj"\n',
    );
    const map = await readMaps(['hf', at('mine.yaml')]);
    expect(map).toMatchObject({ tokens: [1], positions: null, rotaryRows: 'halves' });
    const id = (name: string): string =>
      map
        ?.find(name, PLAIN)
        ?.keys.map((key) => stageId(key))
        .join() ?? '';
    expect(id('mine.1')).toBe('layer-1/q_matmul');
    expect(id('model.layers.1.self_attn.q_proj')).toBe('layer-1/q_matmul');
    expect(id('model.layers.1.mlp.gate_proj')).toBe('layer-1/ffn_up');
    expect(map?.nameOf({ name: 'q_matmul', layer: 1 }, PLAIN)).toBe('mine.1');
    expect(map?.nameOf({ name: 'ffn_out', layer: 2 }, PLAIN)).toBe('layers.2.mlp.down_proj');
    expect(await readMaps([])).toBeNull();
  });

  it.each([
    ['- a', /this is not a mapping/],
    ['a: [', /this is not YAML/],
    ['stage: {}', /"stage" is not a key of a map; is stages meant/],
    ['tokens: [a]', /tokens is not a list/],
    ['positions: some', /positions is neither/],
    ['rotary_rows: sideways', /rotary_rows is neither halves nor pairs/],
    ['stages: {attn_nrom: "{layer}"}', /"attn_nrom" is not a stage or value/],
    ['stages: {ffn_gate+ffn_upp: "{layer}"}', /"ffn_gate\+ffn_upp" is not a stage or value/],
    ['stages: {attn_norm: norm}', /has no \{layer\}/],
    ['stages: {final_norm: "norm.{layer}"}', /has a \{layer\}/],
    ['stages: {attn_norm: 1}', /stages is not a mapping/],
    ['where: {q_bias: 1}', /where is not a mapping/],
    ['stages: {ignored: 1}', /stages is not a mapping/],
  ])('is refused: %s', async (text, words) => {
    const refused = await refusal('E_STAGE_MAP', () => parseStageMap(text, 'map.yaml'));
    expect(refused.message).toMatch(words);
    expect(refused.place).toMatch(/^map\.yaml(:\d+:\d+)?$/);
  });

  it('that is neither built in nor a file is refused with the names that there are', async () => {
    const refused = await refusal('E_STAGE_MAP', () => readMaps([at('no-such')]));
    expect(refused.message).toContain('hf, vllm, llama.cpp');
  });
});

describe('docs/dumps.md', () => {
  const page = readFileSync(new URL('../../../docs/dumps.md', import.meta.url), 'utf8').split('## Maps')[1] ?? '';

  it('has a map that can be read, with all that a map can say', () => {
    const text = /```yaml\n([^]*?)```/.exec(page)?.[1] ?? '';
    expect(found(text, 'norm.1')).toEqual(['layer-2/post_ffn_residual']);
    expect(found(text, 'model.layers.0.gate_up')).toEqual(['layer-0/ffn_gate', 'layer-0/ffn_up']);
    expect(found(text, 'model.layers.2.self_attn.q_proj', BIASED)).toEqual(['layer-2/q_bias']);
    expect(found(text, 'model.rotary_emb')).toEqual([]);
    expect(parseStageMap(text, 'page')).toMatchObject({ tokens: [1, 5, 9], positions: 'all', rotaryRows: 'halves' });
  });

  it('lists the maps that are built in', () => {
    const rows = [...page.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name]) => name);
    expect(rows).toEqual([...BUILT_IN_MAPS.keys()]);
  });
});

describe('a recording by a map', () => {
  const rows = (values: number[], width: number): { shape: number[]; data: Float32Array } => ({
    shape: [values.length / width, width],
    data: Float32Array.from(values),
  });

  it('has values that lie side by side under one name', async () => {
    await writeFile(at('fused'), safetensorsDump(new Map([['gu.0', rows([1, 2, 3, 4, 5, 6, 7, 8], 4)]])));
    const map = parseStageMap('stages:\n  ffn_gate+ffn_up: "gu.{layer}"', 'map.yaml');
    const recording = await openRecording(at('fused'), map);
    expect((await recording.read('layer-0/ffn_gate')).data).toEqual(Float32Array.of(1, 2, 5, 6));
    expect(await recording.read('layer-0/ffn_up')).toMatchObject({ data: Float32Array.of(3, 4, 7, 8), shape: [2, 2] });
  });

  it('takes of several tensors of a stage the one whose name comes first in the map', async () => {
    const both = new Map([
      ['second.0', rows([2], 1)],
      ['first.0', rows([1], 1)],
    ]);
    await writeFile(at('both'), safetensorsDump(both));
    const map = parseStageMap('stages:\n  ffn_out: ["first.{layer}", "second.{layer}"]', 'map.yaml');
    const recording = await openRecording(at('both'), map);
    expect((await recording.read('layer-0/ffn_out')).data).toEqual(Float32Array.of(1));
    expect(recording.otherNames).toEqual([]);
  });

  it('is read by the map that its manifest names, under further names too', async () => {
    const run = { tokens: [1], positions: 'all', prompt: null, chatTemplateApplied: false };
    const manifest = (map: unknown, sameAs: unknown = {}): string =>
      JSON.stringify({
        schemaVersion: 1,
        producer: { name: 'stranger', version: '1' },
        model: { name: 'm', sha256: '', architecture: 'llama' },
        ...run,
        map,
        sameAs,
      });
    const one = new Map([
      ['model.layers.0.mlp.down_proj', rows([1, 2], 2)],
      ['model.stray', rows([1, 2], 2)],
    ]);
    const sameAs = { 'model.layers.1': 'model.layers.0.mlp.down_proj', 'model.more': 'model.stray', 'model.gone': 'x' };
    await writeFile(at('says'), safetensorsDump(one, { manifest: manifest('hf', sameAs) }));
    const recording = await openRecording(at('says'));
    expect([...recording.tensors.keys()]).toEqual(['layer-0/ffn_out', 'layer-1/post_ffn_residual']);
    expect((await recording.read('layer-1/post_ffn_residual')).data).toEqual(Float32Array.of(1, 2));
    expect(recording.otherNames).toEqual(['model.stray']);
    await writeFile(at('other'), safetensorsDump(one, { manifest: manifest('hugging') }));
    await refusal('E_STAGE_MAP', () => openRecording(at('other')));
    for (const [name, text] of [
      ['number', manifest(1)],
      ['list', manifest('hf', [1])],
    ] as const) {
      await writeFile(at(name), safetensorsDump(one, { manifest: text }));
      await refusal('E_MANIFEST', () => openRecording(at(name)));
    }
  });
});
