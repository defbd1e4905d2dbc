// apr diff, as a process: on stage files, capture folders and models, and on what it must refuse.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { aprtFile } from '../../falsifiers/kit/models/aprt-file.ts';
import { encodeGguf, ggufEntry } from '../fixtures/gguf.ts';
import { sha256Bytes } from '../../src/engine/io/sha256.ts';
import { captureIn, renamed, safetensorsDump, writeArrays } from '../fixtures/recording-files.ts';
import { tinyGguf, tinyImage } from '../fixtures/tiny-model.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr, aprJson } from './apr-process.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);
const [model, capture] = [at('tiny.gguf'), at('capture')];

beforeAll(async () => {
  await writeFile(model, tinyGguf());
  await trace(model, capture);
});

async function trace(path: string, into: string, more: readonly string[] = []): Promise<void> {
  const args = ['trace', path, '--tokens', '1,5,9,20', '--save-tensor', 'all', '--save-tensor-dir', into, ...more];
  expect(await apr(args)).toMatchObject({ exitCode: 0 });
}

/** A copy of the capture in which `change` rewrote one stage's elements, with a manifest that vouches for them. */
async function changedCapture(name: string, path: string, change: (data: Float32Array) => void): Promise<string> {
  const copy = at(name);
  await cp(capture, copy, { recursive: true });
  const bytes = await readFile(join(copy, path));
  const data = new Float32Array(Uint8Array.from(bytes.subarray(12)).buffer);
  change(data);
  const changed = Buffer.concat([bytes.subarray(0, 12), new Uint8Array(data.buffer)]);
  await writeFile(join(copy, path), changed);
  const place = join(copy, 'manifest.json');
  const manifest = JSON.parse(await readFile(place, 'utf8')) as { files: Record<string, { sha256: string }> };
  const file = manifest.files[path];
  if (file === undefined) throw new Error(`${path} is not in the capture`);
  file.sha256 = await sha256Bytes(changed);
  await writeFile(place, JSON.stringify(manifest));
  return copy;
}

describe('two stage files', () => {
  const stageFile = async (name: string, values: readonly number[], layer: number | null = 0): Promise<string> => {
    await writeFile(at(name), aprtFile({ layer, data: Float32Array.from(values) }));
    return at(name);
  };

  test('identical ones are accepted', async () => {
    const [a, b] = [await stageFile('a.bin', [1, 2, 3]), await stageFile('b.bin', [1, 2, 3])];
    const { said, json } = await aprJson(['diff', a, b, '--values']);
    expect(said).toMatchObject({ exitCode: 0, stderr: '' });
    expect(json).toMatchObject({
      schemaVersion: 1,
      layer: 0,
      dimProduct: 3,
      maxAbsDiff: 0,
      cosineSim: 1,
      topDiffs: [],
    });
  });

  test('one flipped bit is found at its index', async () => {
    const values = Array.from({ length: 1000 }, (_, i) => i / 7);
    const a = await stageFile('a.bin', values);
    const bytes = await readFile(a);
    bytes[12 + 4 * 613] = (bytes[12 + 4 * 613] ?? 0) ^ 1;
    await writeFile(at('b.bin'), bytes);
    const { said, json } = await aprJson(['diff', a, at('b.bin'), '--values']);
    expect(said.exitCode).toBe(1);
    expect(json).toMatchObject({ differingCount: 1, maxAbsDiffIndex: 613, topDiffs: [{ index: 613 }] });
  });

  test('a NaN on one side is the largest difference and survives JSON', async () => {
    const [a, b] = [await stageFile('a.bin', [1, 1e30, 3]), await stageFile('b.bin', [1, 0, NaN])];
    const { said, json } = await aprJson(['diff', a, b, '--values']);
    expect(said.exitCode).toBe(1);
    expect(json).toMatchObject({ maxAbsDiff: 'Infinity', maxAbsDiffIndex: 2, cosineSim: null, nanInB: 1 });
    expect(json['topDiffs']).toMatchObject([{ index: 2, b: 'NaN' }, { index: 1 }]);
    const { stdout } = await apr(['diff', a, b, '--values']);
    expect(stdout).toContain('cosine      — (non-finite values differ)');
  });

  test('without --values the headers are compared, and that is no pass', async () => {
    const [a, b] = [await stageFile('a.bin', [1, 2, 3]), await stageFile('b.bin', [1, 2, 3])];
    const { exitCode, stdout } = await apr(['diff', a, b]);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('the headers agree, no value was compared');
    expect(stdout).toContain('next: --values');
  });

  test('other lengths and other layers are refused with both numbers', async () => {
    const a = await stageFile('a.bin', [1, 2, 3], 0);
    const b = await stageFile('b.bin', [1, 2], null);
    const { exitCode, stdout } = await apr(['diff', a, b, '--values']);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('A is of layer 0, B of whole model; A has 3 elements, B has 2');
  });

  test('files without elements have nothing to agree on', async () => {
    const [a, b] = [await stageFile('a.bin', []), await stageFile('b.bin', [])];
    expect(await apr(['diff', a, b, '--values'])).toMatchObject({ exitCode: 2 });
  });

  test.each([
    ['E_APRT_TRUNCATED', (bytes: Buffer) => bytes.subarray(0, 9)],
    ['E_APRT_BODY_LENGTH', (bytes: Buffer) => bytes.subarray(0, 20)],
    ['E_FORMAT', (bytes: Buffer) => Buffer.concat([Buffer.from('NOPE'), bytes.subarray(4)])],
  ])('a broken file is an error: %s', async (code, breakIt) => {
    const a = await stageFile('a.bin', [1, 2, 3]);
    await writeFile(at('broken.bin'), breakIt(await readFile(a)));
    const { exitCode, stdout, stderr } = await apr(['diff', a, at('broken.bin'), '--values']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toContain(code);
  });
});

describe('two captures', () => {
  test('a capture and itself are identical in every stage', async () => {
    const { said, json } = await aprJson(['diff', capture, capture]);
    expect(said).toMatchObject({ exitCode: 0, stderr: '' });
    expect(json).toMatchObject({
      verdict: 'identical',
      refusals: [],
      onlyInA: [],
      firstDifference: null,
      largestDrop: null,
    });
    expect(json['stages']).toHaveLength(37);
  });

  test('names the first stage that differs, its positions, and the largest drop', async () => {
    const broken = await changedCapture('broken', 'layer-1/ffn_norm.bin', (data) => data.fill(-1, 32, 64));
    const { said, json } = await aprJson(['diff', capture, broken]);
    expect(said.exitCode).toBe(1);
    expect(json).toMatchObject({ firstDifference: 'layer-1/ffn_norm', largestDrop: { path: 'layer-1/ffn_norm' } });
    expect(json['stages']).toContainEqual(
      expect.objectContaining({ path: 'layer-1/ffn_norm', differingPositions: [1], differingCount: 32 }),
    );
    const { stdout } = await apr(['diff', capture, broken, '--stage', 'ffn_norm,ffn_gate']);
    expect(stdout).toContain('◀ largest drop (heuristic: no error budget yet)');
    expect(stdout).toContain('differ: 1 of 4 stages compared, the first is layer-1/ffn_norm');
    expect(stdout).toContain(`next: apr diff ${capture}/layer-1/ffn_norm.bin ${broken}/layer-1/ffn_norm.bin --values`);
  });

  test('a NaN outranks every cosine', async () => {
    const broken = await changedCapture('nan', 'layer-0/v.bin', (data) => (data[3] = NaN));
    const { json } = await aprJson(['diff', capture, broken]);
    expect(json).toMatchObject({ largestDrop: { path: 'layer-0/v', why: 'non-finite values differ' } });
  });

  test('a flipped choice shows its margin', async () => {
    const broken = await changedCapture('flipped', 'lm_head.bin', (data) => (data[288 * 2 + 77] = 1000));
    const { stdout } = await apr(['diff', capture, broken, '--stage', 'lm_head']);
    expect(stdout).toContain('argmax agrees at 3 of 4 positions, top 5 share 19 of 20');
    expect(stdout).toMatch(/position 2: A chooses \d+, by a margin of [\d.]+; B chooses 77/);
  });

  test('another window or prompt is refused with the reason', async () => {
    const last = at('last');
    await trace(model, last, ['--positions', 'last']);
    const { exitCode, stdout } = await apr(['diff', capture, last]);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('declined: the recordings are not like for like');
    expect(stdout).toContain('all 4 positions');
  });

  test('stages on one side only are named, and alone they are no pass', async () => {
    const part = at('part');
    await trace(model, part, ['--layers', '1']);
    const { said, json } = await aprJson(['diff', capture, part]);
    expect(said.exitCode).toBe(0);
    expect(json['onlyInA']).toHaveLength(18);
    const alone = await apr(['diff', capture, part, '--stage', 'embedding']);
    expect(alone.exitCode).toBe(2);
    expect(alone.stdout).toContain('not compared, only in A: 1 stage: layer-0/embedding');
    expect(alone.stdout).toContain('no stage of this selection is in both');
  });

  test('a stage file changed behind its manifest is an error', async () => {
    const changed = at('changed');
    await cp(capture, changed, { recursive: true });
    await writeFile(join(changed, 'lm_head.bin'), aprtFile({ layer: null, data: new Float32Array(4 * 288) }));
    const { exitCode, stderr } = await apr(['diff', capture, changed]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('E_CAPTURE_DIGEST');
  });

  test('a safetensors file against a capture folder, by content, under their own names too', async () => {
    const { head, stages: named } = await captureIn(capture);
    await writeFile(at('pack'), safetensorsDump(named, { manifest: head }));
    const { said, json } = await aprJson(['diff', at('pack'), capture]);
    expect(said).toMatchObject({ exitCode: 0, stderr: '' });
    expect(json).toMatchObject({ verdict: 'identical', onlyInA: [], onlyInB: [], a: { folder: at('pack') } });
    expect(json['stages']).toHaveLength(37);
    await writeFile(at('theirs'), safetensorsDump(renamed(named, (id) => id.replace(/^layer-(\d+)\//, 'h.$1.'))));
    const map =
      "tokens: [1, 5, 9, 20]\nstages: {attn_norm: 'h.{layer}.attn_norm', layer_output: 'h.{layer}.post_ffn_residual'}";
    await writeFile(at('map.yaml'), map);
    const stages = ['--stage', 'attn_norm,layer_output'];
    const mapped = await apr(['diff', at('theirs'), capture, '--map', at('map.yaml'), ...stages]);
    expect(mapped.stdout).toContain('identical: 4 stages compared');
    // Nothing says which tokens ran: nothing is compared.
    await writeArrays(at('arrays'), named);
    const silent = await apr(['diff', at('arrays'), capture]);
    expect(silent.exitCode).toBe(2);
    expect(silent.stdout).toContain('does not say which tokens ran');
  });

  test('a dump of Transformers against a trace of a llama file, whose q and k are in another order', async () => {
    const [file, dump] = ['models/tiny/mistral/model.gguf', 'test/fixtures/dumps/mistral.safetensors'];
    const args = ['--tokens', '3,17,42,79,5', '--save-tensor', 'all,q_matmul', '--save-tensor-dir', at('pairs')];
    await apr(['trace', file, ...args]);
    for (const [a, b] of [
      [at('pairs'), dump],
      [dump, at('pairs')],
    ] as const) {
      const { json } = await aprJson(['diff', a, b]);
      const stages = json['stages'] as { path: string; cosine: number }[];
      expect(stages.length).toBeGreaterThan(30);
      for (const { path, cosine } of stages) expect(cosine, path).toBeGreaterThan(1 - 1e-9);
    }
  });

  test('an alias is the stage that it names, in the command that comes next as well', async () => {
    const aliased = at('aliased');
    const args = ['trace', model, '--tokens', '1,5,9,20', '--save-tensor', 'layer_output,v_matmul'];
    await apr([...args, '--save-tensor-dir', aliased]);
    const { said, json } = await aprJson(['diff', capture, aliased, '--stage', 'layer_output']);
    expect(said.exitCode).toBe(0);
    expect(json['stages']).toHaveLength(2);
    const broken = await changedCapture('broken-out', 'layer-0/post_ffn_residual.bin', (data) => data.fill(1));
    const { stdout } = await apr(['diff', broken, aliased, '--stage', 'post_ffn_residual']);
    expect(stdout).toContain(`${broken}/layer-0/post_ffn_residual.bin ${aliased}/layer-0/layer_output.bin --values`);
  });

  test.each([
    ['an unknown stage', ['--stage', 'attn_nrm'], 'did you mean attn_norm?'],
    ['a layer that is not there', ['--layers', '7'], 'E_LAYERS'],
    ['a flag of another kind', ['--tensor', 'x'], 'E_DIFF_FLAG'],
  ])('%s is an error', async (_, flags, words) => {
    const { exitCode, stderr } = await apr(['diff', capture, capture, ...flags]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(words);
  });
});

describe('two models', () => {
  test('a model and its copy are identical, values included', async () => {
    const { said, json } = await aprJson(['diff', model, model, '--values']);
    expect(said.exitCode).toBe(0);
    expect(said.stderr).toContain('shapes: 21 of 21 tensors fit the config');
    expect(json).toMatchObject({ verdict: 'identical', config: [], metadata: [], tensors: [], valuesCompared: true });
    expect(json['values']).toHaveLength(21);
  });

  test('one flipped bit of one weight is found with its row and column', async () => {
    const image = tinyImage();
    const tensor = image.tensors.find(({ name }) => name === 'blk.1.ffn_up.weight');
    if (tensor === undefined) throw new Error('no such tensor');
    const element = 31 * 32 + 8;
    tensor.data[4 * element] = (tensor.data[4 * element] ?? 0) ^ 1;
    await writeFile(at('bit.gguf'), encodeGguf(image));
    expect(await apr(['diff', model, at('bit.gguf')])).toMatchObject({ exitCode: 0 });
    const { exitCode, stdout } = await apr(['diff', model, at('bit.gguf'), '--values']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/blk\.1\.ffn_up\.weight +f32 +\[96, 32\] +1 of 3,072 .* \[31, 8\] .* >0\.99999999/);
  });

  test('config differences come with where each side has its value from', async () => {
    const eps = 'llama.attention.layer_norm_rms_epsilon';
    const entries = { [eps]: ggufEntry(eps, 'f32', 1e-6), 'llama.rope.freq_base': undefined };
    await writeFile(at('eps.gguf'), tinyGguf({ entries }));
    const { exitCode, stdout } = await apr(['diff', model, at('eps.gguf')]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/rmsNormEps +0\.00001 +metadata: .* +0\.000001 +metadata: /);
    expect(stdout).toContain('note: rope.theta is 10000 in both, from metadata: llama.rope.freq_base in A, default: ');
  });

  test('a folder of safetensors and its GGUF file have one config and, where types are equal, one set of values', async () => {
    const root = fileURLToPath(new URL('../../models/tiny/qwen3moe/', import.meta.url));
    const { json } = await aprJson(['diff', `${root}hf`, `${root}model.gguf`, '--values']);
    expect(json).toMatchObject({ config: [], valuesCompared: true });
    const experts = (json['values'] as { name: string }[]).filter(({ name }) => name.includes('_exps'));
    expect(experts).toHaveLength(6);
    for (const values of experts) expect(values).toMatchObject({ bitIdentical: true });
  });

  test('a tensor that one side lacks is listed, never dropped', async () => {
    await writeFile(at('tied.gguf'), tinyGguf({ isTied: true }));
    const { json } = await aprJson(['diff', model, at('tied.gguf'), '--values']);
    expect(json).toMatchObject({ verdict: 'differ', tensors: [{ name: 'output.weight', kind: 'only in A', b: null }] });
    const reversed = await aprJson(['diff', at('tied.gguf'), model]);
    expect(reversed.json['tensors']).toMatchObject([{ name: 'output.weight', kind: 'only in B', a: null }]);
  });

  test('metadata texts and lists show the place where they part', async () => {
    const before = `${'{{ x }}'.repeat(40)}A`;
    const template = (text: string): Uint8Array =>
      tinyGguf({ entries: { 'tokenizer.chat_template': ggufEntry('tokenizer.chat_template', 'string', text) } });
    await writeFile(at('t1.gguf'), template(before));
    await writeFile(at('t2.gguf'), template(before.replace(/A$/, 'B\u001B[31m')));
    const { stdout } = await apr(['diff', at('t1.gguf'), at('t2.gguf')]);
    expect(stdout).toMatch(/tokenizer\.chat_template +character 280 +A +B\\u\{1b\}\[31m/);
  });

  test('a name that selects no tensor declines', async () => {
    expect(await apr(['diff', model, model, '--tensor', 'nowhere'])).toMatchObject({ exitCode: 2 });
  });
});

describe('inputs that cannot be compared', () => {
  test('two kinds are an error that names both', async () => {
    const { exitCode, stderr } = await apr(['diff', model, capture]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('the first is a model, the second a recording');
  });

  test('a missing file and a folder without a manifest are errors', async () => {
    await mkdir(at('empty'));
    const missing = await apr(['diff', model, at('nowhere.gguf')]);
    expect(missing).toMatchObject({ exitCode: 3, stdout: '' });
    expect(missing.stderr).toContain('E_FILE_MISSING');
    const empty = await apr(['diff', at('empty'), capture]);
    expect(empty).toMatchObject({ exitCode: 3, stdout: '' });
    expect(empty.stderr).toContain('E_CAPTURE_MANIFEST');
  });
});

test('colour appears only where it is wanted', async () => {
  const plain = await apr(['diff', capture, capture], { NO_COLOR: '1' });
  expect(plain.stdout + plain.stderr).not.toContain('\u001B');
  const coloured = await apr(['diff', capture, capture], { FORCE_COLOR: '1' });
  expect(coloured.stdout).toContain('\u001B');
});
