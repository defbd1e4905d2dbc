// The gate of `apr run --engine webgpu`, as a program: it lets a healthy GPU speak, keeps that, and lets a faulty one say
// nothing. Faults are planted in the product's own files.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apr, type Said } from '../cli/apr-process.ts';
import { planted } from '../fixtures/plant.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';

/** Its pairs are those of NEOX. */
const MODEL = 'models/tiny/qwen2/model.gguf';
const SOFTWARE = ['--engine', 'webgpu', '--adapter', 'swiftshader'];
const RUN = ['run', MODEL, '--tokens', '3,5,9,11,2', '--max-tokens', '2', '--json', ...SOFTWARE];
/** The pairs of NEOX turned as neighbours: of many positions, and of one by itself. */
const ROPE_OF_MANY = { file: 'gpu/wgsl/rope.wgsl', find: 'params.is_neox == 1u', replace: 'params.is_neox == 0u' };
const ROPE_OF_ONE = { ...ROPE_OF_MANY, file: 'gpu/wgsl/attend.wgsl' };
/** A cosine that is off by one part in a thousand: no other token. */
const ROPE_SLIGHTLY = { file: 'gpu/wgsl/rope.wgsl', find: 'let sine =', replace: 'let sine = 1.001 *' };

const scratch = await temporaryFolder();

async function run(
  cache: string,
  env: Record<string, string> = {},
): Promise<Said & { gate: Record<string, unknown>; json: Record<string, unknown> }> {
  const said = await apr(RUN, { ...env, XDG_CACHE_HOME: join(scratch, cache) });
  const json = JSON.parse(said.stdout) as Record<string, unknown>;
  return { ...said, json, gate: json['parityGate'] as Record<string, unknown> };
}

describe('the parity gate', () => {
  it('runs once for a model, an adapter and an engine, and says so', async () => {
    const first = await run('once');
    expect(first.gate).toMatchObject({ how: 'ran', verdict: 'PASS', opCount: 41 });
    expect(first.stderr).toMatch(/parity gate: PASS, ran in \d+\.\d\d s: cosine .* of 41 ops judged, max rho 0\.\d+/);
    const again = await run('once');
    expect(again.gate).toMatchObject({ how: 'cached', verdict: 'PASS', positions: first.gate['positions'] });
    expect(again.json['generatedIds']).toEqual(first.json['generatedIds']);
    const [kept = ''] = await readdir(join(scratch, 'once/refute/parity-gate'));
    const path = join(scratch, 'once/refute/parity-gate', kept);
    const whole = await readFile(path, 'utf8');
    await writeFile(path, whole.slice(0, 1000));
    expect((await run('once')).gate).toMatchObject({ how: 'ran', verdict: 'PASS' });
    expect(await readFile(path, 'utf8')).toBe(whole);
  });

  it('refuses where pairs are rotated the wrong way, names rope, and nothing is said', async () => {
    const { exitCode, stderr, json, gate } = await run('once', planted(ROPE_OF_MANY));
    expect({ exitCode, text: json['text'], finish: json['finishReason'] }).toEqual({
      exitCode: 1,
      text: '',
      finish: 'refused',
    });
    expect(gate).toMatchObject({
      how: 'ran',
      verdict: 'FAIL',
      bugClass: 'ROPE_FAILURE',
      at: { layer: 0, op: 'rope', value: 'layer-0/q_post_rope' },
    });
    expect(stderr).toMatch(/error E_PARITY_GATE .*swiftshader.*BUG at layer 0 `rope` \(q_post_rope\)/);
    // What was found of the engine as it is still stands.
    expect(await readdir(join(scratch, 'once/refute/parity-gate'))).toHaveLength(1);
  });

  it('refuses where the token that the device chooses is not that of its logits', async () => {
    const least = { file: 'gpu/wgsl/choice.wgsl', find: 'b.greatest > a.greatest', replace: 'b.greatest < a.greatest' };
    const { exitCode, gate, stderr } = await run('choice', planted(least));
    expect(exitCode).toBe(1);
    expect(gate).toMatchObject({ verdict: 'FAIL', at: null });
    expect(stderr).toMatch(/it chooses token \d+, and the greatest of its logits is that of \d+/);
  });

  it('refuses what the logits of the CPU would let pass', async () => {
    const { exitCode, gate } = await run('slight', planted(ROPE_SLIGHTLY));
    expect(exitCode).toBe(1);
    expect(gate).toMatchObject({ verdict: 'FAIL', at: { op: 'rope' } });
    expect((gate['positions'] as { isRejected: boolean }[]).some(({ isRejected }) => isRejected)).toBe(false);
  });

  it('is skipped where the environment says so, and says that', async () => {
    const { exitCode, stderr, gate, json } = await run('skipped', { SKIP_PARITY_GATE: '1', ...planted(ROPE_SLIGHTLY) });
    expect(exitCode).toBe(0);
    expect(gate).toMatchObject({ how: 'skipped', verdict: null });
    expect(json['generatedIds']).not.toEqual([]);
    expect(stderr).toContain('parity gate: skipped, SKIP_PARITY_GATE=1');
    const { stderr: unclear, exitCode: refused } = await apr(RUN, { SKIP_PARITY_GATE: 'yes' });
    expect(refused).toBe(3);
    expect(unclear).toContain('SKIP_PARITY_GATE');
  });
});

describe('with pairs rotated the wrong way', () => {
  it.each(['check', 'parity'])('apr %s --engine webgpu says BUG and names rope', async (command) => {
    const { stdout, exitCode } = await apr(
      [command, MODEL, '--tokens', '3,5,9,11', '--json', ...SOFTWARE],
      planted(ROPE_OF_ONE),
    );
    expect(exitCode).toBe(1);
    const said = JSON.parse(stdout) as { verdict: string; bugClass: string; sentence: string };
    expect(said).toMatchObject({ verdict: 'BUG', bugClass: 'ROPE_FAILURE' });
    expect(said.sentence).toContain('`rope` (q_post_rope)');
  });
});
