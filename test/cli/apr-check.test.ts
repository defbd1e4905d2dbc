// `apr check` as a person meets it: verdict sentence first, exit codes, JSON, the strip, dumps, refusals.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureIn, safetensorsDump } from '../fixtures/recording-files.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { tinyGguf } from '../fixtures/tiny-model.ts';
import { apr, aprJson } from './apr-process.ts';

const bundled = new URL('../../models/sums-2m/', import.meta.url).pathname;
const [f16, q4] = [`${bundled}sums-2m.f16.gguf`, `${bundled}sums-2m.q4_k_m.gguf`];
const models = new URL('../../models/tiny/', import.meta.url).pathname;
const dumps = new URL('../fixtures/dumps/', import.meta.url).pathname;
const folder = await temporaryFolder();
const tiny = join(folder, 'tiny.gguf');
await writeFile(tiny, tinyGguf());

describe('apr check', () => {
  it('passes the bundled model, with all of its distance from F16 put down to quantisation', async () => {
    const { exitCode, stdout } = await apr(['check', q4, '--tokens', '22,10,23,28', '--original', f16]);
    expect(exitCode).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe(
      'PASS: 79 of 79 ops within their budgets; all of the distance from the original weights is weight quantisation',
    );
    expect(stdout).toMatch(/^program +verified against transformers/m);
    expect(stdout).toContain('what this input could not have shown');
  });

  it('prints only JSON with --json, and the strip is SVG', async () => {
    const svg = join(folder, 'strip.svg');
    const { said, json } = await aprJson(['check', f16, '7+8=', '--raw', '--svg', svg]);
    expect(said.exitCode).toBe(0);
    expect(json).toMatchObject({
      schemaVersion: 1,
      kind: 'check',
      verdict: 'PASS',
      promptIds: [22, 10, 23, 28],
      verification: { status: 'verified' },
      coverage: { judgedOps: 79, opCount: 79, missing: [] },
    });
    expect(await readFile(svg, 'utf8')).toMatch(/^<svg [^]*<title>PASS[^]*<\/svg>\n$/);
  });

  it('never passes a model that nothing vouches for: exit 2, UNVERIFIED', async () => {
    const { exitCode, stdout } = await apr(['check', tiny, '--tokens', '1,5,9']);
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/^INCONCLUSIVE: \d+ of \d+ ops within their budgets, but the program is UNVERIFIED/);
  });

  it('judges a capture, and refuses one of another model', async () => {
    const dump = join(folder, 'dump');
    await apr(['trace', q4, '--tokens', '22,10,23,28', '--save-tensor', 'all', '--save-tensor-dir', dump]);
    expect((await apr(['check', '--dump', dump, q4])).exitCode).toBe(0);
    // Judged by other weights every product is wrong.
    const other = await apr(['check', '--dump', dump, f16]);
    expect(other.exitCode).toBe(1);
    expect(other.stdout).toMatch(/^BUG at layer 0 `embed`/);
    expect(other.stderr).toContain('another sha256');
    // The same in one file, whose manifest says tokens and formats.
    const { head, stages } = await captureIn(dump);
    await writeFile(join(folder, 'one-file'), safetensorsDump(stages, { manifest: head }));
    const { said, json } = await aprJson(['check', '--dump', join(folder, 'one-file'), q4]);
    expect(said.exitCode).toBe(0);
    expect(json).toMatchObject({
      promptIds: [22, 10, 23, 28],
      coverage: { missing: [] },
      arithmetic: { isDeclared: true },
    });
  });

  it('judges a dump of Transformers with no flags, by a GGUF file in the other order too', async () => {
    for (const file of ['hf', 'model.gguf']) {
      const { exitCode, stdout } = await apr([
        'check',
        `${models}mistral/${file}`,
        '--dump',
        `${dumps}mistral.safetensors`,
      ]);
      expect(exitCode, stdout).toBe(0);
      expect(stdout).toMatch(/^PASS: 35 of 35 ops/);
      expect(stdout).not.toMatch(/^(unknown|absent) /m);
    }
  });

  it('says which names of a dump it does not know and which values are not in it, and takes a map for them', async () => {
    const bytes = (await readFile(`${dumps}mistral.safetensors`)).toString('latin1');
    const slip = join(folder, 'slip');
    await writeFile(slip, bytes.replaceAll('layers.1.mlp.up_proj', 'layers.1.mlp.up_porj'), 'latin1');
    const model = `${models}mistral/hf`;
    const { stdout } = await apr(['check', model, '--dump', slip]);
    expect(stdout).toMatch(/^unknown +1 name in the dump: model\.layers\.1\.mlp\.up_porj \(layer-1\/ffn_up\?\)$/m);
    expect(stdout).toMatch(
      /^absent +1 value of the model: layer-1\/ffn_up \(is it model\.layers\.1\.mlp\.up_porj\?\)$/m,
    );
    const map = join(folder, 'slip.yaml');
    await writeFile(map, 'stages:\n  layer-1/ffn_up: "model.layers.1.mlp.up_porj"\n');
    const { said, json } = await aprJson(['check', model, '--dump', slip, '--map', 'hf', '--map', map]);
    expect(said.exitCode).toBe(0);
    expect(json).toMatchObject({ verdict: 'PASS', engine: { names: { unknown: [], absent: [] } } });
  });

  it.each([
    [['--map', 'x.yaml'], 'E_USAGE'],
    [['--dump', folder, 'prompt'], 'E_USAGE'],
    [['--pack', `${bundled}hf`], 'E_CAPTURE_MANIFEST'],
    [['--pack', folder], 'E_PACK'],
    [['--dump', join(folder, 'nowhere')], 'E_FILE_MISSING'],
    [['--dump', `${bundled}packs/float64/raw-sum`], 'E_DUMP_PRECISION'],
    [['--dump', `${bundled}packs/float32/raw-sum`, '--tokens', '1,2'], 'E_DUMP_TOKENS'],
    [['--original', tiny], 'E_ORIGINAL'],
  ])('refuses %j', async (flags, code) => {
    const [first = '', ...rest] = flags;
    const argv = rest.at(-1) === 'prompt' ? [q4, 'prompt', first, rest[0] ?? ''] : [q4, first, ...rest];
    const { exitCode, stderr } = await apr(['check', ...argv]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(code);
  });
});
