// A model made from a seed (tiny-model.ts) as a slow model, decoded from the bytes that stand in its file.
import { LAYOUTS, slowDecode, type StoredType } from './slow-decode.ts';
import type { SlowModel } from './slow-forward.ts';
import { TINY_VOCAB_SIZE, type TinyModel } from '../models/tiny-model.ts';

export function slowTinyModel(tiny: TinyModel): SlowModel {
  const typeOf = (typeId: number): StoredType => {
    const found = (Object.keys(LAYOUTS) as StoredType[]).find((type) => LAYOUTS[type].typeId === typeId);
    if (found === undefined) throw new Error(`no layout with the number ${typeId}`);
    return found;
  };
  const decoded = new Map<string, Float64Array>();
  const { shape } = tiny;
  return {
    ...shape,
    // The file holds a float32.
    rmsNormEps: Math.fround(shape.rmsNormEps),
    vocabSize: TINY_VOCAB_SIZE,
    turnsHalves: shape.architecture === 'qwen2',
    weight(name) {
      const tensor = tiny.tensors.find((candidate) => candidate.name === name);
      if (tensor !== undefined && !decoded.has(name)) {
        decoded.set(name, slowDecode(typeOf(tensor.typeId), tensor.bytes));
      }
      return decoded.get(name);
    },
  };
}
