// Random tensor data from a seed, valid in every type: scales are finite and of a usual size, everything else is any
// bit pattern. For tests and benchmarks; says nothing about real weights.
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';

/** Byte offsets of the f16 scales in a block. */
const SCALE_OFFSETS: Readonly<Record<TensorTypeName, readonly number[]>> = {
  f32: [],
  f16: [0],
  bf16: [],
  q4_0: [0],
  q4_1: [0, 2],
  q5_0: [0],
  q5_1: [0, 2],
  q8_0: [0],
  q4_k: [0, 2],
  q5_k: [0, 2],
  q6_k: [208],
};

/** Uniform 32-bit integers; the sequence follows from the seed alone. (Steele & Vigna, SplitMix32.) */
function seededIntegers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

/** f32 values, about normal with the given standard deviation (sum of four uniform ones). */
export function randomFloats(seed: number, count: number, deviation: number): Float32Array<ArrayBuffer> {
  const next = seededIntegers(seed);
  const uniform = (): number => next() / 2 ** 32 - 0.5;
  const scale = deviation * Math.sqrt(3);
  return Float32Array.from({ length: count }, () => scale * (uniform() + uniform() + uniform() + uniform()));
}

/** `elementCount` elements of `type`: a number of whole blocks. Weights are of the order of 0.01 to 0.5. */
export function randomBlocks(type: TensorTypeName, elementCount: number, seed: number): Uint8Array<ArrayBuffer> {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  const blockCount = elementCount / blockElements;
  if (type === 'f32' || type === 'bf16') {
    const bytes = new Uint8Array(randomFloats(seed, elementCount, 0.1).buffer);
    return type === 'f32' ? bytes : bytes.filter((_, i) => i % 4 >= 2);
  }
  const next = seededIntegers(seed);
  const bytes = Uint8Array.from({ length: blockCount * blockBytes }, () => next() >>> 24);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blockCount; block++) {
    for (const offset of SCALE_OFFSETS[type]) {
      // Sign and mantissa stay; the exponent becomes 2^-8 to 2^-5, smaller where 6-bit scales multiply it.
      const at = block * blockBytes + offset;
      const exponent = (type.endsWith('_k') ? 2 : 7) + (next() & 3);
      view.setUint16(at, (view.getUint16(at, true) & 0x83ff) | (exponent << 10), true);
    }
  }
  return bytes;
}
