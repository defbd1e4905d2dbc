// What of a dump is not understood is named beside what it was probably meant to be, in both directions.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dumpValues } from '../../../src/diagnosis/recordings/dump-values.ts';
import { nameReport, namesOfProgram, openRecording, parseStageMap } from '../../../src/diagnosis/recordings/index.ts';
import { openModel, type Model } from '../../../src/engine/index.ts';
import { safetensorsDump } from '../../fixtures/recording-files.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();
const root = fileURLToPath(new URL('../../../', import.meta.url));
let model: Model;
beforeAll(async () => {
  model = await openModel(`${root}models/tiny/qwen2/hf`);
});
afterAll(() => model.close());

/** The recorded dump of the model with other words in its names. */
async function reportWith(word: string, other: string): ReturnType<typeof namesIn> {
  const bytes = await readFile(`${root}test/fixtures/dumps/qwen2.safetensors`);
  const path = join(folder, 'renamed.safetensors');
  const text = bytes.toString('latin1').replaceAll(word, other.padEnd(word.length));
  await writeFile(path, Buffer.from(text, 'latin1'));
  return namesIn(path);
}

async function namesIn(path: string): Promise<ReturnType<typeof nameReport>> {
  const dump = await openRecording(path, null, namesOfProgram(model.program));
  return nameReport(dump, model.program);
}

describe('the names of a dump', () => {
  it('that are all known leave what is fused with something else', async () => {
    const { unknown, absent } = await namesIn(`${root}test/fixtures/dumps/qwen2.safetensors`);
    expect(unknown).toEqual([]);
    expect(absent.slice(0, 3)).toEqual(
      ['q', 'k', 'v'].map((part) => ({ value: `layer-0/${part}_matmul`, lookedFor: null, nearest: null })),
    );
    expect(absent).toHaveLength(6);
  });

  it('with a slip are shown beside the value that they are of', async () => {
    const { unknown, absent } = await reportWith('layers.1.mlp.up_proj', 'layers.1.mlp.up_porj');
    expect(unknown).toContainEqual({ name: 'model.layers.1.mlp.up_porj', meant: 'layer-1/ffn_up' });
    const lookedFor = 'layers.1.mlp.up_proj';
    const nearest = 'model.layers.1.mlp.up_porj';
    expect(absent).toContainEqual({ value: 'layer-1/ffn_up', lookedFor, nearest });
  });

  it('with another path are found by their last word, in their own layer', async () => {
    const { unknown } = await reportWith('model.layers.0.mlp.up_proj', 'decoder.block.0.ff.up_proj');
    expect(unknown).toContainEqual({ name: 'decoder.block.0.ff.up_proj', meant: 'layer-0/ffn_up' });
  });

  it('that mean nothing here are said to be near nothing', async () => {
    const path = join(folder, 'strange');
    const data = new Float32Array(48);
    const tensors = ['vision.tower', 'layer-0/moe_logits', 'layer-0/attn_norm'].map(
      (name) => [name, { shape: [1, 48], data }] as const,
    );
    await writeFile(path, safetensorsDump(new Map(tensors)));
    const { unknown } = await namesIn(path);
    expect(unknown).toEqual([
      { name: 'vision.tower', meant: null },
      { name: 'layer-0/moe_logits', meant: null },
    ]);
  });
});

describe('a shape', () => {
  it('that could be read in two ways is refused, and said how to avoid', async () => {
    const path = join(folder, 'square');
    // 4 heads of 12 channels, at 4 positions.
    const rows = { shape: [4, 4, 12], data: new Float32Array(192) };
    await writeFile(path, safetensorsDump(new Map([['q.0', rows]])));
    const map = parseStageMap('stages:\n  q_post_rope: "q.{layer}"', 'map.yaml');
    const values = dumpValues(await openRecording(path, map), model.program, 4);
    const refused = await refusal('E_DUMP_SHAPE', () => values.read('layer-0/q_post_rope'));
    expect(refused.message).toContain('Record another number of tokens');
  });
});
