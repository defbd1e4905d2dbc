// The facts of each tensor type against what the independent implementation says of it, and against one another.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { storedType } from '../../../src/engine/formats/gguf-types.ts';
import { tensorTypeById, TENSOR_TYPES, type TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';

const VECTORS = new URL('../../../falsifiers/vectors/quant-decode/', import.meta.url);
const types = Object.keys(TENSOR_TYPES) as TensorTypeName[];

describe.each(types)('the tensor type %s', (name) => {
  const type = TENSOR_TYPES[name];

  it('stands under its own name and number', () => {
    expect(type.label).toBe(name);
    expect(tensorTypeById(type.ggmlId)).toBe(name);
    expect(storedType(type.ggmlId)).toMatchObject({ type: name, label: name });
  });

  it.skipIf(name === 'f32')('has the number and the sizes that PyPI gguf has', () => {
    const { ggmlId, blockElements, blockBytes } = type;
    const recorded: unknown = JSON.parse(readFileSync(new URL(`${name.toUpperCase()}.json`, VECTORS), 'utf8'));
    expect(recorded).toMatchObject({ ggmlId, blockElements, blockBytes });
  });

  it('has its float16 fields inside of a block, apart from one another', () => {
    const ends = type.halves.map((at) => at + 2);
    expect(ends.every((end, i) => end <= (type.halves[i + 1] ?? type.blockBytes))).toBe(true);
  });
});
