// A model made from a seed (tiny-model.ts) as a slow model, with the values that the oracle finds in the
// bytes of its file.
import { tensorTypeById } from '../../../src/engine/formats/tensor-types.ts';
import { dequantizeExact } from '../../../src/oracles/float64/dequantize/dequantize-exact.ts';
import type { SlowModel } from './slow-forward.ts';
import { TINY_VOCAB_SIZE, type TinyModel } from '../models/tiny-model.ts';

export function slowTinyModel(tiny: TinyModel): SlowModel {
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
      const type = tensor === undefined ? undefined : tensorTypeById(tensor.typeId);
      if (tensor !== undefined && type !== undefined && !decoded.has(name)) {
        decoded.set(name, dequantizeExact(type, tensor.bytes));
      }
      return decoded.get(name);
    },
  };
}
