// Random tensor data from a seed, valid in every type: scales are finite and of a usual size, everything else is any
// bit pattern. For tests and benchmarks; says nothing about real weights.
import { SeededRandom } from '../../falsifiers/kit/arbitraries/random.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';

/** f32 values, about normal with the given standard deviation. */
export function randomFloats(seed: number, count: number, deviation: number): Float32Array<ArrayBuffer> {
  const random = new SeededRandom(seed);
  return Float32Array.from({ length: count }, () => deviation * random.bell());
}

/** `elementCount` elements of `type`: a number of whole blocks. Weights are of the order of 0.01 to 0.5. */
export function randomBlocks(type: TensorTypeName, elementCount: number, seed: number): Uint8Array<ArrayBuffer> {
  const { blockElements, blockBytes, halves } = TENSOR_TYPES[type];
  const blockCount = elementCount / blockElements;
  if (type === 'f32' || type === 'bf16') {
    const bytes = new Uint8Array(randomFloats(seed, elementCount, 0.1).buffer);
    return type === 'f32' ? bytes : bytes.filter((_, i) => i % 4 >= 2);
  }
  const random = new SeededRandom(seed);
  const bytes = Uint8Array.from(random.bytes(blockCount * blockBytes));
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blockCount; block++) {
    for (const offset of halves) {
      // Sign and mantissa stay; the exponent becomes 2^-8 to 2^-5, smaller where 6-bit scales multiply it.
      const at = block * blockBytes + offset;
      const exponent = (type.endsWith('_k') ? 2 : 7) + random.below(4);
      view.setUint16(at, (view.getUint16(at, true) & 0x83ff) | (exponent << 10), true);
    }
  }
  return bytes;
}
