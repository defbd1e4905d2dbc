// What an architecture may forget to say of itself. The tiny models are its files in both formats.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES, bosSpellings, isNameOf } from '../../../src/engine/architectures/registry.ts';
import { openModel } from '../../../src/engine/model/open-model.ts';
import type { Model } from '../../../src/engine/model/model.ts';
import { unreadTensors } from '../../../src/engine/model/unread-tensors.ts';

const FORMATS = ['hf', 'model.gguf'] as const;

async function open(name: string, format: string): Promise<Model> {
  const model = await openModel(fileURLToPath(new URL(`../../../models/tiny/${name}/${format}`, import.meta.url)));
  await model.close();
  return model;
}

describe.each([...ARCHITECTURES.keys()])('%s', (name) => {
  it.each(FORMATS)('reads all of its %s file, and says where every number came from', async (format) => {
    const { config, notices } = await open(name, format);
    expect(config.architecture).toBe(name);
    const codes = notices.map(({ code }) => code);
    expect(codes).not.toContain('TENSOR-UNREAD');
    expect(codes).not.toContain('CONFIG-UNREAD-KEY');
    const plain = await open('llama', 'model.gguf');
    expect(Object.keys(config.provenance).toSorted()).toEqual(Object.keys(plain.config.provenance).toSorted());
  });

  it('computes the same from both, but for how each writes rotation and gains', async () => {
    const [hf, gguf] = await Promise.all(FORMATS.map((format) => open(name, format)));
    const { provenance: _, normOffset, rope, rmsNormEps, ...rest } = hf?.config ?? ({} as Model['config']);
    expect(gguf?.config).toMatchObject(rest);
    expect(gguf?.config.rope).toMatchObject({ theta: rope.theta, rotaryDim: rope.rotaryDim });
    expect(gguf?.config.rmsNormEps).toBeCloseTo(rmsNormEps, 12);
    expect([0, normOffset]).toContain(gguf?.config.normOffset);
  });

  it('has its own tensors refused in a llama file', async () => {
    const llama = (await open('llama', 'model.gguf')).program;
    const known = new Set(llama.weights.map((weight) => weight.name));
    for (const { name: weight } of (await open(name, 'hf')).program.weights) {
      if (known.has(weight.replace(/^blk\.\d+/, 'blk.0'))) continue;
      expect(() => unreadTensors('m', llama, [{ name: weight }], ARCHITECTURES), weight).toThrow(
        'would change the result',
      );
    }
  });

  it('knows how its texts begin, and its names in config.json', () => {
    expect(bosSpellings(new Map([['general.architecture', name]]))).not.toEqual([]);
    expect(isNameOf(name, name)).toBe(true);
    const modelTypes = Object.keys(ARCHITECTURES.get(name)?.hf.modelTypes ?? {});
    expect(modelTypes).not.toEqual([]);
    for (const modelType of modelTypes) expect(isNameOf(modelType, name)).toBe(true);
  });
});

describe('the registry', () => {
  it('gives every model type to one architecture', () => {
    const all = [...ARCHITECTURES.values()].flatMap(({ hf }) => Object.keys(hf.modelTypes));
    expect(all).toHaveLength(new Set(all).size);
  });

  it('takes a file without an architecture for a llama, and guesses no BOS of an unknown one', () => {
    expect(bosSpellings(new Map())).toContain('<|begin_of_text|>');
    expect(bosSpellings(new Map([['general.architecture', 'toString']]))).toEqual([]);
    expect(isNameOf('mistral', 'qwen2')).toBe(false);
  });
});
