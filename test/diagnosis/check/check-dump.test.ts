// The same judge on captures: whole and partial, healthy and broken, ours and in other people's formats.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDump, openDump, parseStageMap, plant, type CheckReport } from '../../../src/diagnosis/index.ts';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import { captureRun, MemorySink, openModel, type Model, type ModelTransform } from '../../../src/engine/index.ts';
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

/** As numpy.save writes it. */
function npy(data: Float32Array, shape: readonly number[]): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const header = `${text.padEnd(117)}\n`;
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([head, Buffer.from(header), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

/** A batch of one, under other people's names. */
function safetensors(stages: Captured, nameOf: (path: string) => string): Uint8Array {
  const header: Record<string, object> = {};
  const parts: Buffer[] = [];
  let end = 0;
  for (const [path, { shape, data }] of stages) {
    const begin = end;
    end += data.byteLength;
    header[nameOf(path)] = { dtype: 'F32', shape: [1, ...shape], data_offsets: [begin, end] };
    parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts]);
}

async function writeArrays(folder: string, stages: Captured, isKept: (path: string) => boolean): Promise<void> {
  for (const [path, { shape, data }] of stages) {
    if (!isKept(path)) continue;
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path.replace(/bin$/, 'npy')), npy(data, shape));
  }
}

async function check(path: string, map: string | null = null): Promise<CheckReport> {
  if (model === undefined) throw new Error('the model is not open');
  const dump = await openDump(path, map === null ? null : parseStageMap(map, 'map.yaml'));
  try {
    const { program, weights } = model;
    const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
    return await checkDump({ dump, program, weights, tokens: dump.tokens ?? TOKENS, ...none });
  } finally {
    await dump.close();
  }
}

function fault(id: string): ModelTransform {
  const { inject } = plant(id, 'small');
  if (inject.kind !== 'model') throw new Error(`${id} is not a fault of the model`);
  return inject.transform;
}

describe('a dump of another engine', () => {
  it('of .npy files is judged op by op', async () => {
    const folder = await newFolder();
    await writeArrays(folder, await capture(), () => true);
    const report = await check(folder);
    expect(report.coverage).toMatchObject({ judgedOps: 79, missing: [] });
    expect(report.results.filter(({ status }) => status !== 'healthy')).toEqual([]);
    expect(report.arithmetic.isDeclared).toBe(false);
  });

  it('of safetensors with names of its own is judged by a map, and its fault is located', async () => {
    const file = join(await newFolder(), 'dump.safetensors');
    const stages = await capture(fault('R1'));
    await writeFile(
      file,
      safetensors(stages, (path) => path.replace('layer-1/q_post_rope.bin', 'their.1.q').replace('.bin', '')),
    );
    const map = 'tokens: [22, 10, 23, 28, 766, 266]\nstages:\n  q_post_rope: "their.{layer}.q"\n';
    const mapped = await check(file, map);
    expect(mapped).toMatchObject({ verdict: 'BUG', at: { value: 'layer-1/q_post_rope', op: 'rope' } });
    const unmapped = await check(file);
    expect(unmapped.coverage.missing).not.toContain('layer-1/k_post_rope');
    expect(unmapped.verdict).toBe('BUG');
  });

  it('of layer outputs alone brackets a fault and says what would settle it', async () => {
    const folder = await newFolder();
    const isKept = (path: string): boolean => /embedding|post_ffn_residual|final_norm|lm_head/.test(path);
    await writeArrays(folder, await capture(fault('R1')), isKept);
    const report = await check(folder);
    expect(report.brackets.map(({ status }) => status)).toEqual(['healthy', 'faulty', 'healthy', 'healthy']);
    expect(report.verdict).toBe('BUG');
    expect(report.sentence).toMatch(/^BUG between layer-0\/post_ffn_residual and layer-1\/post_ffn_residual/);
    expect(report.brackets[1]?.wanted.every((value) => value.startsWith('layer-1/'))).toBe(true);
  });

  it('of layer outputs alone is never passed', async () => {
    const folder = await newFolder();
    await writeArrays(folder, await capture(), (path) => /embedding|post_ffn_residual|final_norm|lm_head/.test(path));
    const report = await check(folder);
    expect(report.verdict).toBe('INCONCLUSIVE');
    expect(report.sentence).toContain('stretches');
  });

  it.each([
    ['stages: {nonsense: x}', 'E_STAGE_MAP'],
    ['tokens: [1.5]', 'E_STAGE_MAP'],
    ['a: &a [*a]', 'E_STAGE_MAP'],
  ])('with the map %s is refused', (map, code) => {
    expect(() => parseStageMap(map, 'map.yaml')).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('without a single stage of the program is refused', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'x.npy'), npy(new Float32Array(2), [2]));
    await expect(check(folder)).rejects.toMatchObject({ code: 'E_DUMP_EMPTY' });
  });
});
