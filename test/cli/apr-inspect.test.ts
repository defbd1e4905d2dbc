// apr inspect, as a process, and the examples that the help of these commands shows.
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { execa } from 'execa';
import { ggufEntry } from '../fixtures/gguf.ts';
import { writeArrays } from '../fixtures/recording-files.ts';
import { tinyGguf } from '../fixtures/tiny-model.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr, aprJson, LAUNCHER } from './apr-process.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  await writeFile(at('model.gguf'), tinyGguf({ matrixType: 'q8_0' }));
  // The files that examples of the help name: two more models, two captures, a pack and arrays under names of their own.
  await writeFile(at('a.gguf'), tinyGguf());
  await writeFile(at('b.gguf'), tinyGguf({ seed: 2 }));
  for (const name of ['before-trace', 'after-trace']) {
    await apr(['trace', at('a.gguf'), '--tokens', '1,5,9', '--save-tensor', 'all', '--save-tensor-dir', at(name)]);
  }
  const tiny = fileURLToPath(new URL('../../models/tiny/llama/', import.meta.url));
  await copyFile(join(tiny, 'packs/stages.safetensors'), at('pack.safetensors'));
  const ids = '3,17,17,42,79,0,5,61,28';
  const save = ['--save-tensor', 'all', '--save-tensor-dir', at('our-trace')];
  await apr(['trace', `${tiny}model.gguf`, '--tokens', ids, ...save]);
  await writeArrays(at('their-npy-folder'), new Map([['norm', { shape: [9, 48], data: new Float32Array(9 * 48) }]]));
  await writeFile(at('their-names.yaml'), `tokens: [${ids}]\npositions: all\nstages: { final_norm: norm }\n`);
});

test('says nothing of merges that it did not read', async () => {
  const sums = fileURLToPath(new URL('../../models/sums-2m/', import.meta.url));
  expect((await apr(['inspect', `${sums}hf`])).stdout).toMatch(/merges +in tokenizer\.json, not counted/);
  expect((await apr(['inspect', `${sums}sums-2m.q4_k_m.gguf`])).stdout).toMatch(/merges +509/);
  expect((await aprJson(['inspect', `${sums}hf`])).json['tokenizer']).toMatchObject({ mergeCount: null });
});

test('shows every config value with its source', async () => {
  const { exitCode, stdout } = await apr(['inspect', at('model.gguf')]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/vocabSize +288 +tensor +rows of token_embd\.weight/);
  expect(stdout).toMatch(/q8_0 +16 +43,008 +45,696 +8\.50/);
  expect(stdout).toMatch(/bos +1 "<s>"/);
});

test('JSON holds config, types, tokenizer and metadata, and nothing else is on stdout', async () => {
  const { said, json } = await aprJson(['inspect', at('model.gguf')]);
  expect(said).toMatchObject({ exitCode: 0, stderr: '' });
  expect(json).toMatchObject({
    schemaVersion: 1,
    formatVersion: 3,
    architecture: 'llama',
    tensorCount: 21,
    shapes: { fitting: 21, wanted: 21 },
    tokenizer: { model: 'llama', tokenCount: 288, addsBos: true },
    loadError: null,
  });
  expect(json['config']).toContainEqual({
    key: 'layerCount',
    value: 2,
    provenance: { source: 'metadata', detail: 'llama.block_count' },
  });
  expect(json['metadata']).toContainEqual({
    key: 'tokenizer.ggml.tokens',
    type: 'string[]',
    value: { elementCount: 288 },
  });
});

test('a file that cannot be run is shown and then refused', async () => {
  const key = 'general.architecture';
  await writeFile(at('other.gguf'), tinyGguf({ entries: { [key]: ggufEntry(key, 'string', 'mamba\u001B[2J') } }));
  const { exitCode, stdout, stderr } = await apr(['inspect', at('other.gguf')]);
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/architecture +mamba\\u\{1b\}\[2J/);
  expect(stderr).toContain('E_CONFIG_ARCHITECTURE');
  expect(stdout + stderr).not.toContain('\u001B');
  const { json } = await aprJson(['inspect', at('other.gguf')]);
  expect(json).toMatchObject({ config: null, loadError: { code: 'E_CONFIG_ARCHITECTURE' }, tensorCount: 21 });
});

test('a file that is no model is an error', async () => {
  await writeFile(at('text.gguf'), 'hello');
  const { exitCode, stdout, stderr } = await apr(['inspect', at('text.gguf')]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
  expect(stderr).toContain('E_FORMAT');
});

test('--vocab and --metadata list them', async () => {
  const { stdout } = await apr(['inspect', at('model.gguf'), '--vocab', '--metadata']);
  expect(stdout).toMatch(/ 68 +"<0x41>" +byte/);
  expect(stdout).toMatch(/llama\.block_count +u32 +2/);
});

test.each(['trace', 'diff', 'inspect', 'tensors'])('the examples of apr %s --help run', async (command) => {
  const { exitCode, stdout } = await apr([command, '--help']);
  expect(exitCode).toBe(0);
  const examples = [...stdout.matchAll(/^ {2}\$ apr (.+)$/gm)].map((match) => match[1] ?? '');
  expect(examples.length).toBeGreaterThan(1);
  for (const example of examples) {
    const { exitCode: code, stderr } = await execa(
      `${process.execPath} ${LAUNCHER} ${example.replace('0..3', '0..1')}`,
      { shell: true, cwd: folder, reject: false },
    );
    expect([0, 1], `${example}: ${stderr}`).toContain(code);
  }
});
