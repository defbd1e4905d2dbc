// Weights as an engine holds them that computes in halves: one that is told to run in bfloat16 has first rounded every
// float weight to it. The judge then multiplies by the same numbers. Quantised weights are as they are stored.
import type { WeightInfo, WeightSource } from '../../engine/program/executor.ts';
import type { FloatType } from '../../engine/program/numeric-profile.ts';
import { dequantizeExact } from '../../oracles/float64/dequantize/dequantize-exact.ts';
import { roundActivations } from '../reference/activations.ts';

const BYTES = { f32: 4, f16: 2, bf16: 2 } as const;

/** The same source where nothing is rounded. */
export function castWeights(weights: WeightSource, storage: FloatType): WeightSource {
  if (storage !== 'f16' && storage !== 'bf16') return weights;
  const cast = (info: WeightInfo): keyof typeof BYTES | null =>
    info.type !== storage && (info.type === 'f32' || info.type === 'f16' || info.type === 'bf16') ? info.type : null;
  return {
    info(name) {
      const info = weights.info(name);
      const from = info === undefined ? null : cast(info);
      if (info === undefined || from === null) return info;
      return { ...info, type: storage, byteLength: (info.byteLength / BYTES[from]) * BYTES[storage] };
    },
    async read(name, byteOffset, into) {
      const info = weights.info(name);
      const from = info === undefined ? null : cast(info);
      if (from === null) return weights.read(name, byteOffset, into);
      const bytes = new Uint8Array((into.byteLength / BYTES[storage]) * BYTES[from]);
      await weights.read(name, (byteOffset / BYTES[storage]) * BYTES[from], bytes);
      const { values } = roundActivations(dequantizeExact(from, bytes), storage);
      const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
      for (const [i, value] of values.entries()) {
        if (storage === 'f16') view.setFloat16(2 * i, value, true);
        else view.setUint16(2 * i, bf16Bits(value), true);
      }
    },
  };
}

const scratch = new DataView(new ArrayBuffer(4));

/** Of a number that a bfloat16 holds: the upper half of its float32. */
function bf16Bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint16(0);
}
