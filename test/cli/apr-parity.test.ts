// `apr parity` as a user starts it: against a pack, a program, an endpoint, and llama.cpp; agreeing, differing,
// unable.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRecording } from '../../src/diagnosis/recordings/index.ts';
import { openModel } from '../../src/engine/index.ts';
import { loadLlamaCpp } from '../../src/oracles/external/index.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { captureIn, safetensorsDump, writeArrays } from '../fixtures/recording-files.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr, aprJson, LAUNCHER } from './apr-process.ts';

const folder = await temporaryFolder();
const pathOf = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const F16 = pathOf('models/sums-2m/sums-2m.f16.gguf');
const PACK = pathOf('models/sums-2m/packs/float64/raw-sum');
const ENGINE = pathOf('test/fixtures/foreign-engine.mjs');
const TOKENS = '22,10,23,28';
const VOCABULARY = 768;

/** The bundled model with another rope theta in its metadata, and nothing else. */
async function withTheta(theta: number): Promise<string> {
  const bytes = await readFile(F16);
  const key = 'qwen2.rope.freq_base';
  const at = bytes.indexOf(key) + key.length + 4;
  expect(bytes.readFloatLE(at)).toBe(10_000);
  bytes.writeFloatLE(theta, at);
  const path = join(folder, `theta-${theta}.gguf`);
  await writeFile(path, bytes);
  return path;
}

const engine = (...rest: string[]): string => JSON.stringify([process.execPath, ENGINE, PACK, ...rest]);

describe('against a pack', () => {
  it('agrees, says so first, and vouches for the program', async () => {
    const { exitCode, stdout } = await apr(['parity', F16, '--pack', PACK]);
    expect(stdout).toMatch(/^PASS: cpu and transformers \S+ agree at 4 of 4 positions; at most KL \S+e-1\d/);
    expect(stdout).toMatch(/program +verified against transformers \S+ float64, [0-9a-f]{12}, to a KL of/);
    expect(exitCode).toBe(0);
  });

  it('in one safetensors file or in .npy files, as in a folder; apr check takes them too', async () => {
    const { head, stages } = await captureIn(PACK);
    const [file, arrays] = [join(folder, 'pack'), join(folder, 'pack-arrays')];
    await writeFile(file, safetensorsDump(stages, { manifest: head }));
    await writeArrays(arrays, stages);
    await writeFile(join(arrays, 'manifest.json'), head);
    for (const pack of [file, arrays]) {
      expect((await apr(['parity', F16, '--pack', pack])).stdout).toMatch(/^PASS: .* agree at 4 of 4 positions/);
      expect((await apr(['check', F16, '--tokens', TOKENS, '--pack', pack])).stdout).toMatch(/^PASS/);
    }
  });

  it('of a model whose theta was changed in the file, parts at position 1, where rotation begins', async () => {
    const { said, json } = await aprJson(['parity', await withTheta(10_500), '--pack', PACK]);
    expect(json).toMatchObject({ verdict: 'DIFFERENT', at: { position: 1, token: 10 }, counts: { different: 3 } });
    expect(json['sentence']).toContain('first at position 1 (token 10)');
    expect(said.exitCode).toBe(1);
  });

  it('of weights that nothing ties to the model, differs without rejecting', async () => {
    const other = await withTheta(20_000);
    const capture = await openRecording(PACK);
    const lone = join(folder, 'lone');
    const data = [...(await capture.read('lm_head')).data];
    const rows = Array.from({ length: 4 }, (_, p) => data.slice(p * VOCABULARY, (p + 1) * VOCABULARY));
    const model = capture.manifest?.model;
    const input = JSON.stringify({ tokens: capture.tokens, rows, model, dtype: 'float64' });
    await execa(process.execPath, [pathOf('test/fixtures/foreign-pack.mjs'), lone], { input });
    const { exitCode, stdout } = await apr(['parity', other, '--pack', lone]);
    expect(stdout).toMatch(/^INCONCLUSIVE: .*nothing says that stranger 1.0 had the same weights/);
    expect(exitCode).toBe(2);
    expect((await apr(['parity', F16, '--pack', lone])).exitCode).toBe(0);
  });
});

describe('against a program', () => {
  it('agrees with one that prints the right logits, and names it', async () => {
    const version = JSON.stringify([process.execPath, ENGINE, '--version']);
    const args = ['parity', F16, '--tokens', TOKENS, '--command', engine('{tokens}'), '--command-version', version];
    const { said, json } = await aprJson(args);
    expect(json).toMatchObject({
      schemaVersion: 1,
      kind: 'parity',
      verdict: 'PASS',
      promptIds: [22, 10, 23, 28],
      profiles: { theirs: 'f32, to nearest, sums in any order', candidates: null },
      outside: { kind: 'command', version: 'stranger 2.0', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      positions: { length: 4 },
    });
    expect(said.exitCode).toBe(0);
  });

  it('rejects one whose logits are a thousandth too large', async () => {
    const args = ['parity', F16, '--tokens', TOKENS, '--command', engine('{tokens}', '1.001')];
    const { exitCode, stdout } = await apr(args);
    expect(stdout).toMatch(/^DIFFERENT: .* first at position 0/);
    expect(stdout).toMatch(/program +UNVERIFIED/);
    expect(stdout).toContain('profile f32, to nearest, sums in any order (assumed; --profile declares another)');
    expect(stdout.match(/◀ DIFFERENT/g)).toHaveLength(4);
    expect(exitCode).toBe(1);
  });

  it('puts one in the place of our engine with --subject', async () => {
    const judge = async (scale: string): Promise<number | undefined> =>
      (await apr(['parity', F16, '--pack', PACK, '--subject', engine('{tokens}', scale)])).exitCode;
    expect([await judge('1'), await judge('1.001')]).toEqual([0, 1]);
  });

  it('takes a pack that one writes into {out}, of these tokens only', async () => {
    const copy = 'require("fs").cpSync(process.argv[1], process.argv[2], { recursive: true })';
    const writer = JSON.stringify([process.execPath, '-e', copy, PACK, '{out}']);
    const ask = (tokens: string) => apr(['parity', F16, '--tokens', tokens, '--command', writer]);
    expect((await ask(TOKENS)).stdout).toMatch(/^PASS: .* agree at 4 of 4 positions/);
    const other = await ask('22,10,23,29');
    expect(other.stderr).toContain('E_PACK_TOKENS');
    expect(other.exitCode).toBe(3);
  });

  it('ends it, and removes its folder, when interrupted', async () => {
    const note = join(folder, 'started');
    const source = `require('fs').writeFileSync(${JSON.stringify(note)}, process.pid + ' ' + process.argv[1]); setInterval(() => {}, 1000)`;
    const argv = JSON.stringify([process.execPath, '-e', source, '{out}']);
    const running = execa(process.execPath, [LAUNCHER, 'parity', F16, '--tokens', '1', '--command', argv], {
      reject: false,
    });
    await expect.poll(() => readFile(note, 'utf8').catch(() => ''), { timeout: 20_000 }).toMatch(/ /);
    const [pid = '', out = ''] = (await readFile(note, 'utf8')).split(' ');
    expect(await isRunning(Number(pid))).toBe(true);
    running.kill('SIGINT');
    expect((await running).exitCode).toBe(130);
    await expect.poll(() => isRunning(Number(pid))).toBe(false);
    expect(existsSync(out)).toBe(false);
  });

  it('reports one that fails, with what it said', async () => {
    const { exitCode, stderr } = await apr(['parity', F16, '--tokens', '1,2', '--command', engine('{tokens}')]);
    expect(stderr).toMatch(/error E_COMMAND_EXIT .*I know 22,10,23,28 only, not 1,2/);
    expect(exitCode).toBe(3);
  });
});

describe('against an endpoint', () => {
  let server: Server;
  let url: string;
  /** Added to the second alternative of position 2. */
  let shift = 0;
  let isMute = false;

  beforeAll(async () => {
    const model = await openModel(F16);
    const { data: logits } = await (await openRecording(PACK)).read('lm_head');
    const nameOf = (id: number): string => model.text.decode([id], { keepSpecial: true });
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        const { prompt, logprobs } = JSON.parse(body) as { prompt: number[]; logprobs: number };
        const p = prompt.length - 1;
        const row = [...logits.subarray(p * VOCABULARY, (p + 1) * VOCABULARY)];
        const logSum = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
        const top = row.map((logit, id) => ({ id, logprob: logit - logSum })).toSorted((a, b) => b.logprob - a.logprob);
        const best = top.slice(0, logprobs).map(({ id, logprob }, i) => ({
          token: isMute ? '\ufffd' : nameOf(id),
          logprob: logprob + (p === 2 && i === 1 ? shift : 0),
        }));
        const choice = { text: best[0]?.token, logprobs: { content: [{ ...best[0], top_logprobs: best }] } };
        response.end(
          JSON.stringify({ system_fingerprint: 'toy-1', choices: [{ finish_reason: 'length', ...choice }] }),
        );
      });
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    await model.close();
  });
  afterAll(() => new Promise<void>((done) => void server.close(() => done())));

  const ask = () => aprJson(['parity', F16, '--tokens', TOKENS, '--http', url, '--model-name', 'toy']);

  it('agrees on the likeliest tokens of every position', async () => {
    shift = 0;
    const { said, json } = await ask();
    expect(json).toMatchObject({ verdict: 'PASS', outside: { kind: 'http', version: 'toy-1' } });
    expect(json['positions']).toMatchObject(
      Array.from({ length: 4 }, () => ({ metric: 'logProbability', compared: { matched: 5, given: 5 } })),
    );
    expect(said.exitCode).toBe(0);
  });

  it('rejects one log-probability that is off by a hundredth', async () => {
    shift = 0.01;
    const { said, json } = await ask();
    expect(json).toMatchObject({ verdict: 'DIFFERENT', at: { position: 2 }, counts: { different: 1, same: 3 } });
    expect(said.exitCode).toBe(1);
  });

  it('declines where none of its tokens can be told', async () => {
    isMute = true;
    const { said, json } = await ask();
    isMute = false;
    expect(json).toMatchObject({ verdict: 'INCONCLUSIVE', counts: { compared: 0 } });
    expect(said.exitCode).toBe(2);
  });
});

describe('against llama.cpp', () => {
  it('agrees on the bundled model, and shows where rounding makes the other choice', async ({ skip }) => {
    const loaded = await loadLlamaCpp();
    if (!loaded.available) return skip(loaded.reason);
    await loaded.llama.close();
    const model = pathOf('models/sums-2m/sums-2m.q4_k_m.gguf');
    const { exitCode, stdout, stderr } = await apr(['parity', model, 'What is 12+34?', '--llama-cpp']);
    expect(stdout).toMatch(/^PASS: cpu and llama\.cpp agree at 17 of 17 positions/);
    expect(stderr).not.toContain('PASS');
    expect(exitCode).toBe(0);
  });
});

describe('usage', () => {
  it('has examples that run, those of the bundled model', async () => {
    const { stdout } = await apr(['parity', '--help']);
    const examples = [...stdout.matchAll(/^ {2}\$ apr (parity models\/.+)$/gm)].map((match) => match[1] ?? '');
    expect(examples).toHaveLength(3);
    for (const example of examples) {
      const args = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
      const { exitCode, stderr } = await apr(args, {}, pathOf('.'));
      // Without llama.cpp, or an adapter, nothing is measured.
      expect(exitCode, stderr).toBe(/E_ORACLE_MISSING|E_ENGINE_ABSENT/.test(stderr) ? 2 : 0);
    }
  });

  it.each<[string, string[], string]>([
    ['no outside engine', [], 'one of --llama-cpp'],
    ['two', ['--llama-cpp', '--pack', PACK], '2 outside engines'],
    ['an endpoint without a model', ['--http', 'http://127.0.0.1:1/v1'], '--model-name'],
    ['a pack with a prompt', ['Hello', '--pack', PACK], 'the tokens are those of the pack'],
    ['a command line for a shell', ['--command', 'python x.py'], 'JSON list'],
    ['an unknown profile', ['--llama-cpp', '--profile', 'fp8'], 'E_PROFILE'],
    ['an option without its partner', ['--llama-cpp', '--model-name', 'x'], 'there is no --http'],
  ])('with %s is refused', async (_what, args, words) => {
    const { exitCode, stdout, stderr } = await apr(['parity', F16, ...args]);
    expect(stderr).toContain(words);
    expect(stdout).toBe('');
    expect(exitCode).toBe(3);
  });
});
