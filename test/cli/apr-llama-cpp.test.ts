// --engine llama.cpp as a user gives it: captures that the other commands take, a model run to be compared with one, and
// options that are refused where they do not belong.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { findPackageBuild } from '../../src/oracles/external/llama-cpp-subject/package-build.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { SLOW } from '../slow.ts';
import { apr, aprJson } from './apr-process.ts';

const MODEL = fileURLToPath(new URL('../../models/sums-2m/sums-2m.f16.gguf', import.meta.url));
const HF = fileURLToPath(new URL('../../models/tiny/llama/hf', import.meta.url));
const TOKENS = ['--tokens', '22,10,23,28'];
const SSE = ['--engine', 'llama.cpp:sse42', '--flash-attention', 'off'];
const isHere = !('absent' in findPackageBuild());
const scratch = await temporaryFolder();

describe.skipIf(!isHere)('a long prompt with flash attention', () => {
  // From 64 rows on it computes attention in tiles, and from 257 positions on its threads share the keys of a single row.
  it.each<readonly [number, string]>([[80, '1'], ...(SLOW ? [[300, '2'] as const] : [])])(
    'of %i tokens on %s threads passes: each kernel has a format of its own',
    async (count, threads) => {
      const tokens = Array.from({ length: count }, (_, i) => (7 * i * i + 3 * i) % 700).join();
      const flags = ['--engine', 'llama.cpp', '--flash-attention', 'on', '--threads', threads, '--no-free-run'];
      const { json } = await aprJson(['check', MODEL, '--tokens', tokens, ...flags]);
      expect(json).toMatchObject({ verdict: 'PASS', coverage: { missing: [] } });
      const texts = (json as { inferred: { part: string; text: string }[] }).inferred.map(({ text }) => text);
      expect(texts).toContain('KV cache f16');
      expect(texts.some((text) => text.endsWith('keys in 2 parts'))).toBe(threads === '2');
    },
  );
});

describe.skipIf(!isHere)('a capture of llama.cpp', () => {
  const capture = join(scratch, 'capture');
  let said: Awaited<ReturnType<typeof apr>>;

  beforeAll(async () => {
    const names = 'all,q_matmul,k_matmul,v_matmul,q_bias,k_bias';
    said = await apr(['trace', MODEL, ...TOKENS, ...SSE, '--save-tensor', names, '--save-tensor-dir', capture]);
  });

  it('says who made it, and what is left out', async () => {
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stderr).toMatch(/note: llama\.cpp \S+, cpu sse42, flash attention off, kv f16 does not show ffn_silu/);
    const manifest: unknown = JSON.parse(await readFile(join(capture, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({
      executor: 'llama.cpp',
      adapter: expect.stringContaining('cpu sse42'),
      profile: { kvCache: 'f16', activations: { f16: 'f16' } },
      undeclared: ['activations', 'attention'],
      versions: { 'llama.cpp': expect.stringMatching(/^v/), 'node-llama-cpp': expect.stringMatching(/^\d/) },
    });
  });

  it('is what a live run gives again, bit for bit, whichever comes first', async () => {
    for (const pair of [
      [MODEL, capture],
      [capture, MODEL],
    ]) {
      const { exitCode, stdout, stderr } = await apr(['diff', ...pair, ...SSE]);
      expect(stdout + stderr).toMatch(/identical: \d\d stages compared, every bit equal/);
      expect(exitCode).toBe(0);
    }
  });

  it('differs from another build, from our engine, and by the stages that are asked for', async () => {
    const other = await aprJson(['diff', MODEL, capture, '--engine', 'llama.cpp:x64', '--kv-type', 'f32']);
    expect(other.json).toMatchObject({ verdict: 'differ', a: { origin: { adapter: expect.stringContaining('x64') } } });
    const ours = await aprJson(['diff', MODEL, capture, '--engine', 'cpu', '--stage', 'attn_norm,q_matmul']);
    expect(ours.json).toMatchObject({ verdict: 'differ', firstDifference: 'layer-0/attn_norm' });
    expect(ours.json['stages']).toHaveLength(8);
  });

  it('is somebody else’s to apr parity, and a dump to apr check', async () => {
    const parity = await apr(['parity', MODEL, '--pack', capture]);
    expect(parity.stdout).toMatch(/^PASS: cpu and llama\.cpp \S+, cpu sse42.* agree at 4 of 4 positions/);
    expect(parity.stdout).toMatch(/theirs .*f16 activations for f16 weights, f16 cache/);
    const { json } = await aprJson(['check', MODEL, '--dump', capture, '--no-free-run']);
    expect(json).toMatchObject({ kind: 'check', coverage: { missing: [] } });
  });
});

describe.skipIf(!isHere)('llama.cpp in the place of our engine', () => {
  it('agrees with float64 within what its formats explain, and generates', async () => {
    const pack = fileURLToPath(new URL('../../models/sums-2m/packs/float64/raw-sum', import.meta.url));
    const { stdout } = await apr(['parity', MODEL, '--pack', pack, ...SSE]);
    expect(stdout).toMatch(/^PASS: llama\.cpp \S+, cpu sse42, .* and transformers \S+ agree at 4 of 4 positions/);
    const run = await aprJson(['run', MODEL, 'What is 17+25?', '--engine', 'llama.cpp', '--trace']);
    const ours = await aprJson(['run', MODEL, 'What is 17+25?']);
    expect(run.json['generatedIds']).toEqual(ours.json['generatedIds']);
    expect(run.json['executor']).toMatchObject({ ran: 'llama.cpp', adapter: expect.stringMatching(/^llama\.cpp v/) });
  });

  it('runs two models to be compared', async () => {
    const other = MODEL.replace('f16', 'q4_k_m');
    const { json } = await aprJson(['diff', MODEL, other, '--engine', 'llama.cpp', ...TOKENS]);
    expect(json).toMatchObject({ verdict: 'differ', firstDifference: 'layer-0/embedding', onlyInA: [] });
  });
});

describe('what does not fit', () => {
  it.each([
    [3, 'E_USAGE --kv-type', ['trace', MODEL, ...TOKENS, '--kv-type', 'f32']],
    [3, 'E_USAGE --threads', ['check', MODEL, ...TOKENS, '--engine', 'cpu', '--threads', '2']],
    [3, 'E_USAGE --flash-attention', ['parity', MODEL, '--llama-cpp', '--flash-attention', 'on']],
    [3, 'E_USAGE --engine', ['trace', MODEL, ...TOKENS, '--engine', 'cpu:zen4']],
    [3, 'E_USAGE --engine', ['diff', MODEL, MODEL, '--engine', 'llama.cpp']],
    [3, 'E_USAGE --tokens', ['diff', MODEL, MODEL, '--tokens', '1']],
    [3, 'E_USAGE --values', ['diff', MODEL, MODEL, '--engine', 'cpu', '--tokens', '1', '--values']],
  ])('exit %i with %s', async (exitCode, words, argv) => {
    expect(await apr(argv)).toMatchObject({ exitCode, stderr: expect.stringContaining(words) });
  });

  it.skipIf(!isHere).each([
    [3, 'E_STAGE_HIDDEN', ['trace', MODEL, ...TOKENS, ...SSE, '--save-tensor', 'ffn_silu']],
    [2, 'E_SUBJECT_VARIANT', ['trace', MODEL, ...TOKENS, '--save-tensor', 'all', '--engine', 'llama.cpp:abacus']],
    [2, 'E_SUBJECT_FILE', ['trace', HF, ...TOKENS, '--save-tensor', 'all', '--engine', 'llama.cpp']],
  ])('exit %i with %s, before anything is written', async (exitCode, words, argv) => {
    const folder = join(scratch, words);
    expect(await apr([...argv, '--save-tensor-dir', folder])).toMatchObject({
      exitCode,
      stdout: '',
      stderr: expect.stringContaining(words),
    });
    await expect(readFile(join(folder, 'manifest.json'))).rejects.toThrow('ENOENT');
  });
});
