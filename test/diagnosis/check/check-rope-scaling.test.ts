// The local check on models with scaled rotary positions: silent on the engine, within and beyond the original
// context, and at the rotation where a fault of the scaling is planted. And who vouches for a program that goes by
// length.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyProgram } from '../../../src/diagnosis/check/verify-program.ts';
import { FAULTS } from '../../../src/diagnosis/faults/catalogue.ts';
import { plantFrom } from '../../../src/diagnosis/faults/fault.ts';
import { checkModel, type CheckReport } from '../../../src/diagnosis/index.ts';
import { openPack, type Pack } from '../../../src/diagnosis/recordings/index.ts';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import { openModel, type Model, type ModelTransform } from '../../../src/engine/index.ts';

const at = (path: string): string => new URL(`../../../models/tiny/${path}`, import.meta.url).pathname;
const TOKENS = [70, 1, 33, 17, 8, 54, 20, 76, 2, 41, 9, 66, 5];
const WITHIN = TOKENS.slice(0, 7);

async function check(path: string, tokens: readonly number[], transform?: ModelTransform): Promise<CheckReport> {
  const healthy = await openModel(at(path));
  const engine = await openModel(at(path), transform === undefined ? {} : { transform });
  const executor = await openCpuExecutor(engine.program, engine.weights);
  try {
    const { program, weights } = healthy;
    const asked = { executor, program, weights, tokens, original: null, verifyOn: null, packs: [], hasFreeRun: false };
    return await checkModel(asked);
  } finally {
    await executor.close();
    await engine.close();
    await healthy.close();
  }
}

const SOURCES = (
  'llama-yarn/hf llama-yarn/model.gguf qwen2-yarn/hf qwen3-yarn/hf qwen3-yarn/model.gguf llama-longrope/hf ' +
  'llama-longrope/model.gguf llama-dynamic/hf'
).split(' ');

describe.each(SOURCES)('the check of %s', (path) => {
  it.each([
    ['beyond', TOKENS],
    ['within', WITHIN],
  ])('finds every op within its budget, %s the original context', async (_, tokens) => {
    const { results } = await check(path, tokens);
    expect(results.filter(({ status }) => status !== 'healthy')).toEqual([]);
    const rotations = results.filter(({ value }) => value.endsWith('q_post_rope'));
    expect(rotations.map(({ worst }) => worst?.rho)).toEqual([expect.any(Number), expect.any(Number)]);
  });
});

const fault = (id: string, size: 'gross' | 'small'): ModelTransform => {
  const { inject } = plantFrom(FAULTS, id, size);
  if (inject.kind !== 'model') throw new Error(`${id} is not a fault of the model`);
  return inject.transform;
};

describe('a fault of the scaling is found at the rotation:', () => {
  const hasFactor = (name: string): boolean => !name.includes('dynamic');
  const planted = SOURCES.flatMap((path) =>
    ['R3', 'R4', 'R9']
      .filter((id) => id !== 'R4' || hasFactor(path))
      .flatMap((id) => (['gross', 'small'] as const).map((size) => [path, id, size] as const)),
  );

  it.each(planted)('%s, %s %s', async (path, id, size) => {
    const { verdict, at: where } = await check(path, TOKENS, fault(id, size));
    expect([verdict, where?.value]).toEqual(['BUG', `layer-${size === 'gross' ? 0 : 1}/q_post_rope`]);
  });
});

describe('a pack of a model whose frequencies go by length', () => {
  let model: Model;
  let packs: Record<'within' | 'logits', Pack>;
  beforeAll(async () => {
    model = await openModel(at('llama-longrope/hf'));
    const open = (prompt: string) => openPack(at(`llama-longrope/packs/${prompt}.safetensors`), model.program);
    packs = { within: await open('within'), logits: await open('logits') };
  });
  afterAll(() => model.close());

  it('vouches for runs on the same side of the original context, and for no others', async () => {
    const verify = async (pack: Pack, contextLength: number): Promise<string[]> => {
      const { program, weights } = model;
      const { status, says } = await verifyProgram({ program, weights, packs: [pack], contextLength });
      return [status, says];
    };
    expect((await verify(packs.logits, 9))[0]).toBe('verified');
    expect((await verify(packs.within, 8))[0]).toBe('verified');
    const side = 'the original context of 8 positions, as the run is';
    expect(await verify(packs.logits, 8)).toEqual(['unverified', `no pack is within ${side}`]);
    expect(await verify(packs.within, 9)).toEqual(['unverified', `no pack is beyond ${side}`]);
  });
});
