// One falsifier for every stored type: the decoder inside a matmul kernel against the oracle's exact one on searched blocks
// and on blocks of trained weights, and against the recorded bits of an independent implementation. Bits must be equal;
// a NaN equals a NaN whatever its payload. The type is handed in, so that a claim depends on its own type alone. The oracle
// is our own work too, so the first two parts show that two writings agree; that both are right, the recorded bits show.
import fc from 'fast-check';
import { KernelMemory } from '../../src/engine/cpu/kernels/kernel-memory.ts';
import { dequantizeBlocks } from '../../src/oracles/float64/dequantize/dequantize-blocks.ts';
import type { TensorType } from '../../src/engine/formats/tensor-types/tensor-type.ts';
import type { Falsifier, Part, PartContext, PlantedFault } from '../../src/runner/run/falsifier.ts';
import { SPECIAL_HALVES } from '../kit/arbitraries/kernel-values.ts';
import { recordedBlocks } from '../kit/models/recorded-blocks.ts';
import { LIVE_SLICES, needsOf, trainedSlices } from '../kit/models/trained-blocks.ts';
import type { StoredType } from '../kit/types/stored-type.ts';

const GUARD_BYTES = 64;
const GUARD = 0xa5;

const GENERATED_CASES = 400;
const ORACLE_SLICES = 16;

/** @param faults of this type's decoder, gross and small */
export function dequantizeClaim(stored: StoredType, faults: readonly PlantedFault[]): Falsifier {
  const decoder = new GuardedDecoder(stored);
  return {
    parts: {
      generated: {
        planned: GENERATED_CASES,
        run: (context) =>
          context.search(blocksOf(stored.type), context.planned, (bytes) => decoder.countDifferences(bytes)),
      },
      live: livePart(stored, decoder),
      // What other implementations make of a float32 is a copy too: nothing to learn from it.
      ...(stored.type.label === 'f32'
        ? {}
        : { oracle: { planned: ORACLE_SLICES, run: (context) => compareWithVectors(context, stored.type, decoder) } }),
    },
    faults,
  };
}

/** Runs the kernel's decoder between two guards, so that a write outside of its output is seen. */
class GuardedDecoder {
  readonly #stored: StoredType;

  constructor(stored: StoredType) {
    this.#stored = stored;
  }

  /** The values, and how many guard bytes were written. */
  async dequantize(blocks: Uint8Array): Promise<{ values: Float32Array; brokenGuards: number }> {
    const { blockBytes, blockElements: elements } = this.#stored.type;
    const blockCount = blocks.length / blockBytes;
    const outBytes = blockCount * elements * 4;
    const memory = new KernelMemory();
    // Room behind the blocks: a decoder may load whole vectors past a tail, as it may in the engine's memory.
    const source = memory.allocate(blocks.length + GUARD_BYTES);
    const target = memory.allocate(outBytes + 2 * GUARD_BYTES);
    memory.bytes(source, blocks.length).set(blocks);
    memory.bytes(target, outBytes + 2 * GUARD_BYTES).fill(GUARD);
    const { dequantize } = await this.#stored.kernel.instantiate(memory.memory);
    dequantize(source, target + GUARD_BYTES, blockCount);
    const guards = [
      ...memory.bytes(target, GUARD_BYTES),
      ...memory.bytes(target + GUARD_BYTES + outBytes, GUARD_BYTES),
    ];
    return {
      values: memory.floats(target + GUARD_BYTES, outBytes / 4).slice(),
      brokenGuards: guards.filter((byte) => byte !== GUARD).length,
    };
  }

  /** Values that are not the exact ones rounded once to float32, and broken guards. */
  async countDifferences(blocks: Uint8Array): Promise<number> {
    const { values, brokenGuards } = await this.dequantize(blocks);
    const { type, exact: dequantizeBlock } = this.#stored;
    const exact = Float32Array.from(dequantizeBlocks(type, dequantizeBlock, blocks));
    // A stored float32 is copied, so there even a NaN keeps its payload.
    const isCopied = type.label === 'f32';
    if (isCopied) exact.set(new Float32Array(Uint8Array.from(blocks).buffer));
    return countDifferentBits(values, exact, isCopied) + brokenGuards;
  }
}

function countDifferentBits(ours: Float32Array, theirs: Float32Array, isPayloadExact = false): number {
  if (ours.length !== theirs.length) return NaN;
  const [a, b] = [bitsOf(ours), bitsOf(theirs)];
  return a.filter((bits, i) => bits !== b[i] && (isPayloadExact || !(Number.isNaN(ours[i]) && Number.isNaN(theirs[i]))))
    .length;
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** One to five blocks (elements: one to nine, so that the last ones miss every vector width) of any bytes. */
function blocksOf({ blockBytes, blockElements, halves }: TensorType): fc.Arbitrary<Uint8Array> {
  const special = fc.option(fc.constantFrom(...SPECIAL_HALVES), { freq: 2 });
  return fc.integer({ min: 1, max: blockElements === 1 ? 9 : 5 }).chain((count) =>
    fc
      .tuple(
        fc.uint8Array({ minLength: count * blockBytes, maxLength: count * blockBytes, size: 'max' }),
        fc.array(special, { minLength: count * halves.length, maxLength: count * halves.length }),
      )
      .map(([random, chosen]) => {
        const bytes = random.slice();
        const view = new DataView(bytes.buffer);
        for (const [n, bits] of chosen.entries()) {
          const at = Math.floor(n / halves.length) * blockBytes + (halves[n % halves.length] ?? 0);
          if (bits !== null) view.setUint16(at, bits, true);
        }
        return bytes;
      }),
  );
}

function livePart(stored: StoredType, decoder: GuardedDecoder): Part {
  return {
    needs: needsOf(stored),
    planned: needsOf(stored).length * LIVE_SLICES,
    async run(context) {
      for await (const { blocks, where } of trainedSlices(context, stored)) {
        context.measure(await decoder.countDifferences(blocks), where);
        context.output(bytesOf((await decoder.dequantize(blocks)).values));
      }
    },
  };
}

async function compareWithVectors(context: PartContext, type: TensorType, decoder: GuardedDecoder): Promise<void> {
  const { blocks, values: recorded } = await recordedBlocks(context, type);
  const { blockElements: elements, blockBytes } = type;
  const blockCount = blocks.length / blockBytes;
  for (let slice = 0; slice < ORACLE_SLICES; slice++) {
    const [first, end] = [slice, slice + 1].map((n) => Math.floor((blockCount * n) / ORACLE_SLICES)) as [
      number,
      number,
    ];
    const { values, brokenGuards } = await decoder.dequantize(blocks.subarray(first * blockBytes, end * blockBytes));
    const theirs = recorded.subarray(first * elements, end * elements);
    context.measure(countDifferentBits(values, theirs) + brokenGuards, `recorded blocks ${first} to ${end - 1}`);
    context.output(bytesOf(values));
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  // NaN payloads are free, so they must not reach the digest by which machines are compared.
  const plain = values.map((value) => (Number.isNaN(value) ? NaN : value));
  return new Uint8Array(plain.buffer);
}
