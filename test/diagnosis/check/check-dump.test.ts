// The same judge on captures: whole and partial, healthy and broken, ours and in other people's formats.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULTS } from '../../../src/diagnosis/faults/catalogue.ts';
import { plantFrom } from '../../../src/diagnosis/faults/fault.ts';
import { checkDump, type CheckReport } from '../../../src/diagnosis/index.ts';
import { openRecording, parseStageMap } from '../../../src/diagnosis/recordings/index.ts';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import { captureRun, MemorySink, openModel, type Model, type ModelTransform } from '../../../src/engine/index.ts';
import { npy, renamed, safetensorsDump, writeArrays } from '../../fixtures/recording-files.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const root = await temporaryFolder();
let folderCount = 0;

async function newFolder(): Promise<string> {
  folderCount += 1;
  const folder = join(root, String(folderCount));
  await mkdir(folder);
  return folder;
}

const bundled = fileURLToPath(new URL('../../../models/sums-2m/', import.meta.url));
const TOKENS = [22, 10, 23, 28, 766, 266];

let model: Model | undefined;
beforeAll(async () => {
  model = await openModel(`${bundled}sums-2m.q4_k_m.gguf`);
});
afterAll(() => model?.close());

type Captured = MemorySink['stages'];

async function capture(transform: ModelTransform = {}): Promise<Captured> {
  const engine = await openModel(`${bundled}sums-2m.q4_k_m.gguf`, { transform });
  const executor = await openCpuExecutor(engine.program, engine.weights);
  const sink = new MemorySink();
  await captureRun({ executor, tokens: TOKENS, stages: engine.program.stages, positions: 'all', sink });
  await executor.close();
  await engine.close();
  return sink.stages;
}

function layerOutputs(stages: Captured): Captured {
  return new Map([...stages].filter(([id]) => /embedding|post_ffn_residual|final_norm|lm_head/.test(id)));
}

async function check(path: string, map: string | null = null): Promise<CheckReport> {
  if (model === undefined) throw new Error('the model is not open');
  const dump = await openRecording(path, map === null ? null : parseStageMap(map, 'map.yaml'));
  const { program, weights } = model;
  const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
  return checkDump({ dump, program, weights, tokens: dump.tokens ?? TOKENS, ...none });
}

function fault(id: string): ModelTransform {
  const { inject } = plantFrom(FAULTS, id, 'small');
  if (inject.kind !== 'model') throw new Error(`${id} is not a fault of the model`);
  return inject.transform;
}

describe('a dump of another engine', () => {
  it('of .npy files is judged op by op', async () => {
    const folder = await newFolder();
    await writeArrays(folder, await capture());
    const report = await check(folder);
    expect(report.coverage).toMatchObject({ judgedOps: 79, missing: [] });
    expect(report.results.filter(({ status }) => status !== 'healthy')).toEqual([]);
    expect(report.arithmetic.isDeclared).toBe(false);
  });

  it('that names its producer declares no roundings by that', async () => {
    const file = join(await newFolder(), 'dump.safetensors');
    const from = { name: 'sums-2m', sha256: 'f'.repeat(64), architecture: 'qwen2' };
    const run = { tokens: TOKENS, positions: 'all', prompt: null, chatTemplateApplied: false };
    const producer = { name: 'other', version: '1' };
    const manifest = JSON.stringify({ schemaVersion: 1, model: from, ...run, producer });
    await writeFile(file, safetensorsDump(await capture(), { manifest }));
    const { arithmetic, coverage } = await check(file);
    expect(coverage).toMatchObject({ judgedOps: 79, missing: [] });
    expect(arithmetic.isDeclared).toBe(false);
  });

  it('of safetensors with names of its own is judged by a map, and its fault is located', async () => {
    const file = join(await newFolder(), 'dump.safetensors');
    const stages = await capture(fault('R1'));
    const theirs = renamed(stages, (id) => id.replace('layer-1/q_post_rope', 'their.1.q'));
    await writeFile(file, safetensorsDump(theirs));
    const map = 'tokens: [22, 10, 23, 28, 766, 266]\nstages:\n  q_post_rope: "their.{layer}.q"\n';
    const mapped = await check(file, map);
    expect(mapped).toMatchObject({ verdict: 'BUG', at: { value: 'layer-1/q_post_rope', op: 'rope' } });
    const unmapped = await check(file);
    expect(unmapped.coverage.missing).not.toContain('layer-1/k_post_rope');
    expect(unmapped.verdict).toBe('BUG');
  });

  it('of layer outputs alone brackets a fault and says what would settle it', async () => {
    const folder = await newFolder();
    await writeArrays(folder, layerOutputs(await capture(fault('R1'))));
    const report = await check(folder);
    expect(report.brackets.map(({ status }) => status)).toEqual(['healthy', 'faulty', 'healthy', 'healthy']);
    expect(report.verdict).toBe('BUG');
    expect(report.sentence).toMatch(/^BUG between layer-0\/post_ffn_residual and layer-1\/post_ffn_residual/);
    expect(report.brackets[1]?.wanted.every((value) => value.startsWith('layer-1/'))).toBe(true);
  });

  it('of layer outputs alone is never passed', async () => {
    const folder = await newFolder();
    await writeArrays(folder, layerOutputs(await capture()));
    const report = await check(folder);
    expect(report.verdict).toBe('INCONCLUSIVE');
    expect(report.sentence).toContain('stretches');
  });

  it.each([
    ['stages: {nonsense: x}', 'E_STAGE_MAP'],
    ['tokens: [1.5]', 'E_STAGE_MAP'],
    ['a: &a [*a]', 'E_STAGE_MAP'],
    ['stages: {attn_norm: no.layer}', 'E_STAGE_MAP'],
  ])('with the map %s is refused', (map, code) => {
    expect(() => parseStageMap(map, 'map.yaml')).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('without a single stage of the program is refused', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'x.npy'), npy(new Float32Array(2), [2]));
    await expect(check(folder)).rejects.toMatchObject({ code: 'E_DUMP_EMPTY' });
  });
});
