// The CPU executor: the cases that hold for every executor, and what only it has: chunks, banks, its numeric profile.
import { describe, expect, it } from 'vitest';
import { openCpuExecutor, type CpuOptions } from '../../../src/engine/cpu/cpu-executor.ts';
import type { OpenExecutor } from '../../../src/engine/program/executor.ts';
import type { Program } from '../../../src/engine/program/program.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import { bits, describeExecutor } from '../../cases/executor-cases.ts';
import { SMALL_CONFIG, syntheticProgram, syntheticWeights } from '../../cases/synthetic-model.ts';

const open: OpenExecutor = openCpuExecutor;
describeExecutor('cpu', open);

const TOKENS = Array.from({ length: 40 }, (_, i) => (i * 7) % SMALL_CONFIG.vocabSize);

async function run(program: Program, type: TensorTypeName, options: CpuOptions): Promise<Float32Array> {
  const executor = await openCpuExecutor(
    program,
    syntheticWeights(program, () => type, 3),
    options,
  );
  const session = await executor.openSession(64);
  const { logits } = await session.run({ tokens: TOKENS, logits: 'all' });
  await executor.close();
  return logits;
}

describe('the CPU executor', () => {
  it.each(Object.keys(TENSOR_TYPES) as TensorTypeName[])('runs a model with %s matrices', async (type) => {
    const program = syntheticProgram({ ...SMALL_CONFIG, modelDim: 256, headDim: 64, ffnDim: 256 });
    const logits = await run(program, type, {});
    expect(logits.every(Number.isFinite)).toBe(true);
    expect(new Set(logits).size).toBeGreaterThan(logits.length / 2);
  });

  it.each([1, 2, 3, 7, 39, 40, 41])('gives the same bits in chunks of %i positions', async (chunkPositions) => {
    const program = syntheticProgram(SMALL_CONFIG);
    const expected = await run(program, 'q4_0', {});
    expect(bits(await run(program, 'q4_0', { chunkPositions }))).toEqual(bits(expected));
  });

  it.each([false, true])('gives the same bits on three banks and more (tied: %s)', async (isTied) => {
    const program = syntheticProgram({ ...SMALL_CONFIG, isTied });
    const weights = syntheticWeights(program, () => 'q4_1', 3);
    const expected = await run(program, 'q4_1', {});
    const bankCounts = new Set<number>();
    for (const bankByteLimit of [600_000, 350_000, 260_000]) {
      const executor = await openCpuExecutor(program, weights, { bankByteLimit, chunkPositions: 16 });
      bankCounts.add(executor.bankCount);
      const session = await executor.openSession(64);
      const { logits } = await session.run({ tokens: TOKENS, logits: 'all' });
      expect(bits(logits)).toEqual(bits(expected));
      await executor.close();
    }
    expect(Math.max(...bankCounts)).toBeGreaterThanOrEqual(3);
  });

  it('says how much a bank would have to hold where one layer does not fit', async () => {
    const program = syntheticProgram(SMALL_CONFIG);
    const opened = openCpuExecutor(
      program,
      syntheticWeights(program, () => 'f32', 3),
      { bankByteLimit: 20_000 },
    );
    await expect(opened).rejects.toMatchObject({ code: 'E_BANK_TOO_SMALL' });
  });

  it('gives back the memory of closed sessions', async () => {
    const program = syntheticProgram({ ...SMALL_CONFIG, contextLength: 4096 });
    const executor = await openCpuExecutor(
      program,
      syntheticWeights(program, () => 'q8_0', 3),
      { bankByteLimit: 2 ** 23 },
    );
    for (let i = 0; i < 20; i++) (await executor.openSession(4096)).close();
    const open = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await executor.openSession(4096);
    };
    await expect(open()).rejects.toMatchObject({ code: 'E_MEMORY_FULL' });
    await executor.close();
  });

  it('lets NaN weights show in the logits', async () => {
    const program = syntheticProgram(SMALL_CONFIG);
    const weights = syntheticWeights(program, () => 'f32', 3);
    const executor = await openCpuExecutor(program, {
      info: (name) => weights.info(name),
      async read(name, offset, into) {
        await weights.read(name, offset, into);
        if (name === 'blk.1.ffn_up.weight') into.set([0, 0, 0xc0, 0x7f]);
      },
    });
    const session = await executor.openSession(8);
    const { logits } = await session.run({ tokens: [1], logits: 'last' });
    expect(logits.every(Number.isNaN)).toBe(true);
    await executor.close();
  });

  it('publishes what it rounds', async () => {
    const program = syntheticProgram(SMALL_CONFIG);
    const executor = await openCpuExecutor(
      program,
      syntheticWeights(program, () => 'f16', 3),
    );
    expect(executor).toMatchObject({
      id: 'cpu',
      adapter: null,
      profile: { storage: 'f32', kvCache: 'f32', batching: 'bitwise' },
    });
    await executor.close();
  });
});
