// A pack that a stranger's script wrote from docs/reference-packs.md is read; anything wrong with one is refused by
// code.
import { createHash } from 'node:crypto';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPack, producerOf } from '../../../src/diagnosis/recordings/index.ts';
import { captureRun, MemorySink, openModel, type Model } from '../../../src/engine/index.ts';
import { openFloat64Executor } from '../../../src/oracles/float64/float64-executor.ts';
import { apr } from '../../cli/apr-process.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const STRANGER = fileURLToPath(new URL('../../fixtures/foreign-pack.mjs', import.meta.url));
const MODEL = fileURLToPath(new URL('../../../models/sums-2m/sums-2m.f16.gguf', import.meta.url));
const TOKENS = [22, 10, 23, 28];
const folder = await temporaryFolder();
const pack = join(folder, 'healthy');
let model: Model;
let rows: number[][] = [];

beforeAll(async () => {
  model = await openModel(MODEL);
  const { program } = model;
  const executor = await openFloat64Executor(program, model.weights);
  const sink = new MemorySink<Float64Array>();
  const ran = await captureRun({ executor, tokens: TOKENS, stages: [], positions: 'all', sink, logits: 'all' });
  rows = TOKENS.map((_, p) => [...ran.logits.subarray(p * program.vocabSize, (p + 1) * program.vocabSize)]);
  await stranger(pack, {});
});
afterAll(() => model.close());

async function stranger(to: string, changed: object): Promise<void> {
  const about = { name: 'sums-2m', sha256: await model.sha256(), architecture: 'qwen2' };
  const input = JSON.stringify({ tokens: TOKENS, rows, model: about, dtype: 'float64', ...changed });
  await execa(process.execPath, [STRANGER, to], { input });
}

interface Manifest {
  model: Record<string, string>;
  tokens: number[];
  producer?: object;
  files: Record<string, { stage: string; shape: number[]; sha256: string }>;
}

/** A copy of the healthy pack with one thing changed. */
async function broken(name: string, edit: (manifest: Manifest, file: Buffer) => void): Promise<string> {
  const to = join(folder, name);
  await cp(pack, to, { recursive: true });
  const manifest = JSON.parse(await readFile(join(to, 'manifest.json'), 'utf8')) as Manifest;
  const file = await readFile(join(to, 'lm_head.bin'));
  edit(manifest, file);
  await writeFile(join(to, 'lm_head.bin'), file);
  await writeFile(join(to, 'manifest.json'), JSON.stringify(manifest));
  return to;
}

const head = (manifest: Manifest): Manifest['files'][string] => {
  const entry = manifest.files['lm_head.bin'];
  if (entry === undefined) throw new Error('the stranger wrote no lm_head');
  return entry;
};

describe('a pack of a stranger', () => {
  it('is read, value for value', async () => {
    const capture = await openPack(pack, model.program);
    expect(producerOf(capture)).toBe('stranger 1.0');
    expect([...(await capture.read('lm_head')).data]).toEqual(rows.flat().map(Math.fround));
  });

  it('vouches for the program in apr check, and refutes it where its values are others', async () => {
    const check = async (dir: string) => apr(['check', MODEL, '--tokens', '22,10,23,28', '--pack', dir]);
    const { stdout, exitCode } = await check(pack);
    expect(stdout).toContain('verified against stranger 1.0');
    expect(exitCode).toBe(0);
    const other = join(folder, 'other-values');
    await stranger(other, { rows: rows.map((row) => row.map((logit) => logit * 1.0001)) });
    const refuted = await check(other);
    expect(refuted.stdout).toContain('REFUTED');
    expect(refuted.exitCode).toBe(1);
  });
});

describe('a pack is refused', () => {
  const open = async (dir: string): Promise<unknown> => (await openPack(dir, model.program)).read('lm_head');
  const sign = (manifest: Manifest, file: Buffer): void => {
    head(manifest).sha256 = createHash('sha256').update(file).digest('hex');
  };

  it.each<[string, string, (manifest: Manifest, file: Buffer) => void]>([
    ['with a wrong sha256', 'E_CAPTURE_DIGEST', (manifest) => (head(manifest).sha256 = 'a'.repeat(64))],
    ['with a changed value', 'E_CAPTURE_DIGEST', (_, file) => file.writeFloatLE(1, 400)],
    ['with a wrong shape', 'E_PACK_SHAPE', (manifest) => (head(manifest).shape = [768, 4])],
    ['with a token too many', 'E_PACK_SHAPE', (manifest) => manifest.tokens.push(3)],
    ['with a token too few', 'E_PACK_SHAPE', (manifest) => manifest.tokens.pop()],
    ['with an id that the model has not', 'E_PACK_TOKENS', (manifest) => (manifest.tokens[0] = 768)],
    ['of another architecture', 'E_PACK_MODEL', (manifest) => (manifest.model['architecture'] = 'llama')],
    ['without a producer', 'E_MANIFEST', (manifest) => delete manifest.producer],
    [
      'with a stage that the model has not',
      'E_PACK_STAGE',
      (manifest) => {
        manifest.files['moe_router.bin'] = { ...head(manifest), stage: 'moe_router' };
      },
    ],
    [
      'with a NaN',
      'E_PACK_VALUE',
      (manifest, file) => {
        file.writeFloatLE(Number.NaN, 400);
        sign(manifest, file);
      },
    ],
    [
      'with the header of another layer',
      'E_CAPTURE_SHAPE',
      (manifest, file) => {
        file.writeUInt32LE(3, 4);
        sign(manifest, file);
      },
    ],
  ])('%s', async (name, code, edit) => {
    const dir = await broken(name, edit);
    await refusal(code, () => open(dir));
  });

  it('with a file missing, or without a manifest', async () => {
    const dir = await broken('missing', () => undefined);
    await rm(join(dir, 'lm_head.bin'));
    await refusal('E_FILE_MISSING', () => open(dir));
    await rm(join(dir, 'manifest.json'));
    await refusal('E_CAPTURE_MANIFEST', () => open(dir));
  });

  it('where it is a capture of our own', async () => {
    const dir = await broken('own', (manifest) => {
      delete manifest.producer;
      Object.assign(manifest, { executor: 'cpu', adapter: null, profile: {}, versions: {} });
    });
    await refusal('E_PACK_PRODUCER', () => open(dir));
  });

  it('by apr check too, with exit 3', async () => {
    const dir = await broken('cli', (manifest) => (head(manifest).shape = [768, 4]));
    const { exitCode, stderr } = await apr(['check', MODEL, '--tokens', '22,10,23,28', '--pack', dir]);
    expect(stderr).toContain('E_PACK_SHAPE');
    expect(exitCode).toBe(3);
  });
});
