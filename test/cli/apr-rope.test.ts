// Rope scaling that goes by the length of a session, as people meet it: every command says which frequencies it ran.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { apr, aprJson } from './apr-process.ts';

const tiny = (path: string): string => fileURLToPath(new URL(`../../models/tiny/${path}`, import.meta.url));
const LONGROPE = tiny('llama-longrope/model.gguf');
const WITHIN = '3,17,42';
const BEYOND = '3,17,42,79,0,5,61,28,9';

describe('a model whose frequencies go by length', () => {
  it.each([
    [['run', LONGROPE, '--tokens', WITHIN, '--max-tokens', '2'], '4 positions', 'the short factors'],
    [['run', LONGROPE, '--tokens', WITHIN, '--max-tokens', '9'], '11 positions', 'the long factors'],
    [['trace', LONGROPE, '--tokens', BEYOND], '9 positions', 'the long factors'],
    [['check', LONGROPE, '--tokens', WITHIN], '3 positions', 'the short factors'],
    [['check', tiny('llama-dynamic/hf'), '--tokens', WITHIN], '3 positions', 'theta as it is'],
    [['check', tiny('llama-dynamic/hf'), '--tokens', BEYOND], '9 positions', 'theta grown'],
  ])('%j says what a session of its length has', async (args, length, chosen) => {
    const { stderr } = await apr(args);
    expect(stderr).toContain('[ROPE-BY-LENGTH]');
    expect(stderr).toContain(`This session is for ${length}, the original context is 8: ${chosen}.`);
  });

  it('is run as it is traced, where both are for as many positions', async () => {
    const { json: ran } = await aprJson(['run', LONGROPE, '--tokens', BEYOND, '--max-tokens', '1']);
    const { json: traced } = await aprJson(['trace', LONGROPE, '--tokens', BEYOND]);
    const { top } = traced['logits'] as { top: { id: number }[] };
    expect(ran['generatedIds']).toEqual([top[0]?.id]);
    expect((ran['notices'] as { code: string }[]).map(({ code }) => code)).toContain('ROPE-CHOSEN');
  });

  it('is not compared with llama.cpp where that would take other factors', async () => {
    const { exitCode, stderr } = await apr(['parity', LONGROPE, '--tokens', WITHIN, '--llama-cpp']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('E_ORACLE_FREQUENCIES');
  });

  it('shows its factors in short, and in JSON whole', async () => {
    const path = tiny('llama-longrope/hf');
    const { stdout } = await apr(['inspect', path]);
    expect(stdout).toContain('"short":[1,1.125,1, … 5 more],"long":[1,1.25,2, … 5 more]');
    const { json } = await aprJson(['inspect', path]);
    const entries = json['config'] as { key: string; value: string }[];
    const scaling = entries.find(({ key }) => key === 'rope.scaling');
    expect(JSON.parse(scaling?.value ?? '')).toMatchObject({ long: [1, 1.25, 2, 3.5, 6, 10, 14.5, 16] });
  });
});
