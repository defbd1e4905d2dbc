// apr trace, as a process: what it lists, what it measures, and that every file it promises is there in full. Headers
// and choices of layers are FALSIFY-APR-TRACE-SAVE-004 and -007.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeGguf } from '../fixtures/gguf.ts';
import { tinyGguf, tinyImage } from '../fixtures/tiny-model.ts';
import { LLAMA_LAYER } from '../fixtures/llama-layer.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr, aprJson, type Json } from './apr-process.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);
const model = at('tiny.gguf');
await writeFile(model, tinyGguf());

describe('without a prompt', () => {
  test('lists the program and runs nothing', async () => {
    const { exitCode, stdout } = await apr(['trace', model]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ffn_gate +S×96 +matmul +ffn_norm +blk\.1\.ffn_gate\.weight \[96, 32\] f32/);
    expect(stdout).toMatch(/lm_head +S×288 +matmul +final_norm +output\.weight/);
    expect(stdout).toMatch(/rmsNormEps +0\.00001 +metadata +llama\.attention\.layer_norm_rms_epsilon/);
  });

  test('layers that are alike are shown once', async () => {
    await writeFile(at('deep.gguf'), tinyGguf({ layerCount: 4 }));
    const { stdout } = await apr(['trace', at('deep.gguf')]);
    expect(stdout).toContain('layers 1..3');
    expect(stdout).toContain('blk.N.attn_norm.weight');
  });

  test('gives the same as JSON', async () => {
    const { said, json } = await aprJson(['trace', model, '--layer', '1']);
    expect(said.exitCode).toBe(0);
    expect(json).toMatchObject({
      schemaVersion: 1,
      kind: 'program',
      layers: [{ layer: 1 }],
      stages: [{ name: 'final_norm' }, { name: 'lm_head' }],
    });
  });
});

describe('--payload', () => {
  test('gives statistics of every stage, sub-FFN stages included, and the five largest logits', async () => {
    const { said, json } = await aprJson(['trace', model, '--tokens', '1,5,9', '--payload']);
    expect(said.exitCode).toBe(0);
    expect(json).toMatchObject({ schemaVersion: 1, promptIds: [1, 5, 9], positions: 'all', firstNonFinite: null });
    const [first, second] = json['layers'] as { layer: number; stages: Record<string, Json> }[];
    expect([first?.layer, second?.layer]).toEqual([0, 1]);
    expect(Object.keys(second?.stages ?? {})).toEqual(LLAMA_LAYER);
    for (const statistics of Object.values(second?.stages ?? {})) {
      for (const key of ['mean', 'std', 'min', 'max', 'rms']) expect(statistics[key]).toBeTypeOf('number');
      expect(statistics).toMatchObject({ nanCount: 0, infCount: 0 });
    }
    expect(first?.stages['embedding']).toMatchObject({ shape: [3, 32], count: 96 });
    expect(json['stages']).toMatchObject({ lm_head: { shape: [3, 288] } });
    expect(json['logits']).toMatchObject({
      position: 2,
      top: [{ id: expect.any(Number), text: expect.any(String) }, {}, {}, {}, {}],
    });
  });

  test('--positions last takes one row and says so', async () => {
    const { stdout } = await apr(['trace', model, '--tokens', '1,5,9', '--positions', 'last', '--layers', '1']);
    expect(stdout).toContain('statistics of position 2 only');
    expect(stdout).toMatch(/attn_norm +1×32/);
    expect(stdout).not.toContain('layer 0');
  });

  test('a NaN in a weight is named where it first shows', async () => {
    const image = tinyImage();
    const norm = image.tensors.find(({ name }) => name === 'blk.1.ffn_norm.weight');
    norm?.data.set(new Uint8Array(Float32Array.of(NaN).buffer), 4 * 7);
    await writeFile(at('nan.gguf'), encodeGguf(image));
    const { json } = await aprJson(['trace', at('nan.gguf'), '--tokens', '1,5']);
    expect(json).toMatchObject({ firstNonFinite: 'layer-1/ffn_norm', logits: { top: [] } });
    const { stdout } = await apr(['trace', at('nan.gguf'), '--tokens', '1,5']);
    expect(stdout).toContain('NaN or Inf first in layer-1/ffn_norm');
    expect(stdout).toContain('logits: a NaN is among them');
  });
});

describe('--save-tensor', () => {
  const save = (into: string, more: readonly string[]): string[] => {
    return ['trace', model, '--tokens', '1,5,9', '--save-tensor-dir', into, ...more];
  };

  test('every file is there, of 12 + 4n bytes, and in the manifest', async () => {
    const { said, json } = await aprJson(save(at('all'), ['--save-tensor', 'all']));
    expect(said.exitCode).toBe(0);
    const { files } = json['capture'] as { files: { path: string; shape: number[]; byteLength: number }[] };
    expect(files).toHaveLength(37);
    for (const { path, shape, byteLength } of files) {
      expect(byteLength).toBe(12 + 4 * shape.reduce((product, extent) => product * extent, 1));
      expect((await stat(join(at('all'), path))).size).toBe(byteLength);
    }
    const manifest = JSON.parse(await readFile(join(at('all'), 'manifest.json'), 'utf8')) as Json;
    expect(manifest).toMatchObject({ tokens: [1, 5, 9], positions: 'all', prompt: null, executor: 'cpu' });
    expect(Object.keys(manifest['files'] as Json).toSorted()).toEqual(files.map(({ path }) => path).toSorted());
  });

  test('traced logits and traced statistics come out of one and the same run', async () => {
    const both = await aprJson(save(at('both'), ['--save-tensor', 'lm_head', '--payload']));
    const plain = await aprJson(['trace', model, '--tokens', '1,5,9', '--payload', '--layer', '0']);
    expect(both.json['logits']).toEqual(plain.json['logits']);
    const bytes = await readFile(join(at('both'), 'lm_head.bin'));
    const { top } = both.json['logits'] as { top: { id: number; logit: number }[] };
    const [best] = top;
    expect(bytes.readFloatLE(12 + 4 * (2 * 288 + (best?.id ?? 0)))).toBe(best?.logit);
  });

  test('files of an earlier capture are named and left out of the manifest', async () => {
    await apr(save(at('twice'), ['--save-tensor', 'attn_norm,ffn_out']));
    const { said, json } = await aprJson(save(at('twice'), ['--save-tensor', 'attn_norm']));
    expect(said.stderr).toContain('also holds 2 older stage files');
    expect(json['capture']).toMatchObject({ stale: ['layer-0/ffn_out.bin', 'layer-1/ffn_out.bin'] });
    expect(await apr(['diff', at('twice'), at('twice')])).toMatchObject({ exitCode: 0 });
  });

  test('values are written by name, and an alias under the name that was asked for', async () => {
    const { json } = await aprJson(save(at('values'), ['--save-tensor', 'layer_output,V_matmul', '--layer', '1']));
    const { files } = json['capture'] as { files: { path: string }[] };
    expect(files.map(({ path }) => path)).toEqual(['layer-1/v_matmul.bin', 'layer-1/layer_output.bin']);
    await apr(save(at('same'), ['--save-tensor', 'v,post_ffn_residual', '--layer', '1']));
    const bytes = (path: string) => readFile(at(path));
    expect(await bytes('values/layer-1/v_matmul.bin')).toEqual(await bytes('same/layer-1/v.bin'));
    expect(await bytes('values/layer-1/layer_output.bin')).toEqual(await bytes('same/layer-1/post_ffn_residual.bin'));
  });

  test('a stage that this model does not have is said, and alone it declines', async () => {
    const some = await apr(save(at('some'), ['--save-tensor', 'qkv_bias,attn_norm']));
    expect(some.exitCode).toBe(0);
    expect(some.stderr).toContain('this model has no stage qkv_bias');
    expect(await apr(save(at('none'), ['--save-tensor', 'qkv_bias']))).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

describe('bad input', () => {
  test.each([
    ['an unknown stage', ['--save-tensor', 'atention'], 'did you mean attention?'],
    ['an empty stage name', ['--save-tensor', 'attn_norm,'], 'E_STAGE_EMPTY'],
    ['a layer that is not there', ['--layers', '2'], 'E_LAYERS'],
    ['a reversed range', ['--save-tensor', 'all', '--save-tensor-layers', '1..1'], 'E_LAYERS'],
    ['two ways to choose layers', ['--layer', '0', '--layers', '1'], 'E_TRACE_FLAGS'],
    ['a folder with nothing to save', ['--save-tensor-dir', 'x'], 'E_TRACE_FLAGS'],
    ['other positions', ['--positions', 'some'], 'E_POSITIONS'],
    ['a token that is not in the vocabulary', ['--tokens', '288'], 'E_USAGE'],
  ])('%s is an error that writes nothing', async (_, flags, words) => {
    const tokens = flags.includes('--tokens') ? [] : ['--tokens', '1'];
    const { exitCode, stdout, stderr } = await apr(['trace', model, ...tokens, ...flags]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toContain(words);
  });

  test('--payload without a prompt asks for one', async () => {
    const { exitCode, stderr } = await apr(['trace', model, '--payload']);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('an argument, --prompt or --tokens is needed');
  });

  test('more tokens than the context holds are refused', async () => {
    const tokens = Array.from({ length: 65 }, () => '1').join(',');
    expect(await apr(['trace', model, '--tokens', tokens])).toMatchObject({ exitCode: 3, stdout: '' });
  });
});
