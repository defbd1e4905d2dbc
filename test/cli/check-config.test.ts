// One wrong key of config.json, which engine and judge believe alike: seen through a pack, at the stage where it first
// shows, and never PASS without one.
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr } from './apr-process.ts';

const TOKENS = ['--tokens', '3,17,17,42,79,0,5,61,28'];
const tiny = (path: string): string => fileURLToPath(new URL(`../../models/tiny/${path}`, import.meta.url));

const folder = await temporaryFolder();

/** A copy of a tiny model, without its packs, in whose config.json `change` is set. */
async function changed(name: string, change: Record<string, unknown>): Promise<string> {
  const copy = await mkdtemp(join(folder, 'model-'));
  await cp(tiny(`${name}/hf`), copy, { recursive: true });
  const path = join(copy, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const rope = { ...(config['rope_parameters'] as object), ...(change['rope_parameters'] as object | undefined) };
  await writeFile(path, JSON.stringify({ ...config, ...change, rope_parameters: rope }));
  return copy;
}

describe('a wrong key of config.json', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['llama', { rms_norm_eps: 1e-6 }, 'layer-0/attn_norm'],
    ['llama-linear', { rope_parameters: { factor: 2.002 } }, 'layer-0/q_post_rope'],
    ['llama-yarn', { rope_parameters: { factor: 4.004 } }, 'layer-0/q_post_rope'],
    ['mistral', { sliding_window: 5 }, 'layer-0/attn_scores'],
    ['qwen2', { rope_parameters: { rope_theta: 500_000 } }, 'layer-0/q_post_rope'],
    ['qwen3', { rope_parameters: { rope_theta: 10_000 } }, 'layer-0/q_post_rope'],
    ['qwen3moe', { norm_topk_prob: false }, 'layer-0/moe_router'],
    ['gemma2', { attn_logit_softcapping: 50 }, 'layer-0/attn_scores'],
    ['gemma2', { final_logit_softcapping: 30 }, 'lm_head'],
    ['gemma2', { sliding_window: 5 }, 'layer-0/attn_scores'],
    ['gemma2-scalar', { query_pre_attn_scalar: 16 }, 'layer-0/attn_scores'],
    ['gemma3', { sliding_window: 5 }, 'layer-0/attn_scores'],
    ['gemma3', { rope_parameters: { sliding_attention: { rope_theta: 10_010 } } }, 'layer-0/q_post_rope'],
    ['gemma3', { rope_parameters: { full_attention: { rope_theta: 1e6 } } }, 'layer-5/q_post_rope'],
    ['phi3', { sliding_window: null }, 'layer-0/attn_scores'],
    ['phi3', { rope_parameters: { partial_rotary_factor: 0.5 } }, 'layer-0/q_post_rope'],
  ])('%s with %j is a BUG at %s through its packs, and UNVERIFIED without', async (name, change, stage) => {
    const model = await changed(name, change);
    const judged = await apr(['check', model, ...TOKENS, '--pack', tiny(`${name}/packs`)]);
    expect(judged.exitCode).toBe(1);
    expect(judged.stdout).toContain(`transformers 5.23.0 has other values from ${stage} on`);
    const alone = await apr(['check', model, ...TOKENS]);
    expect(alone.exitCode).toBe(2);
    expect(alone.stdout).toMatch(/^INCONCLUSIVE: .* but the program is UNVERIFIED/);
  });
});

describe('a dump of doubles', () => {
  it.each([
    [tiny('qwen3/packs/stages.safetensors'), tiny('qwen3/hf'), TOKENS],
    [tiny('../sums-2m/packs/float64/raw-sum'), tiny('../sums-2m/sums-2m.f16.gguf'), []],
  ])('is refused: rounded inputs would put blame on healthy ops (%s)', async (dump, model, tokens) => {
    const { exitCode, stderr } = await apr(['check', '--dump', dump, model, ...tokens]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('E_DUMP_PRECISION');
  });
});
