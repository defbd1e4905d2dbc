// One falsifier for every stored type: the decoder inside a matmul kernel against exact double arithmetic on searched
// blocks, on blocks of trained weights, and against the recorded bits of an independent decoder. Bits must be equal;
// a NaN equals a NaN whatever its payload. The kernel is handed in, so that a claim depends on its own kernel alone.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import type { Kernel } from '../../../src/engine/cpu/kernels/define-kernel.ts';
import { KernelMemory } from '../../../src/engine/cpu/kernels/kernel-memory.ts';
import type { MatmulFunctions } from '../../../src/engine/cpu/kernels/matmul.ts';
import type { Falsifier, Part, PartContext, PlantedFault } from '../../../src/runner/run/falsifier.ts';
import { LAYOUTS, slowDecode, type StoredType } from '../references/slow-decode.ts';
import { LIVE_SLICES, needOf, trainedSlices } from '../models/trained-blocks.ts';

const GUARD_BYTES = 64;
const GUARD = 0xa5;

/** Bits that a float16 scale can have and a random one rarely has. */
export const SPECIAL_HALVES: readonly number[] = [
  0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe01,
];

interface DecodeClaim {
  type: StoredType;
  kernel: Kernel<MatmulFunctions>;
  faults: readonly PlantedFault[];
}

const GENERATED_CASES = 400;
const ORACLE_SLICES = 16;

export function decodeClaim({ type, kernel, faults }: DecodeClaim): Falsifier {
  const decoder = new GuardedDecoder(type, kernel);
  return {
    parts: {
      generated: {
        planned: GENERATED_CASES,
        run: (context) => context.search(blocksOf(type), context.planned, (bytes) => decoder.countDifferences(bytes)),
      },
      live: livePart(type, decoder),
      // What other decoders make of a float32 is a copy too: nothing to learn from it.
      ...(type === 'f32'
        ? {}
        : { oracle: { planned: ORACLE_SLICES, run: (context) => compareWithVectors(context, type, decoder) } }),
    },
    faults,
  };
}

/** Runs the kernel's decoder between two guards, so that a write outside of its output is seen. */
class GuardedDecoder {
  readonly #type: StoredType;
  readonly #kernel: Kernel<MatmulFunctions>;

  constructor(type: StoredType, kernel: Kernel<MatmulFunctions>) {
    this.#type = type;
    this.#kernel = kernel;
  }

  /** The decoded values, and how many guard bytes were written. */
  async decode(blocks: Uint8Array): Promise<{ values: Float32Array; brokenGuards: number }> {
    const { bytes: blockBytes, elements } = LAYOUTS[this.#type];
    const blockCount = blocks.length / blockBytes;
    const outBytes = blockCount * elements * 4;
    const memory = new KernelMemory();
    // Room behind the blocks: a decoder may load whole vectors past a tail, as it may in the engine's memory.
    const source = memory.allocate(blocks.length + GUARD_BYTES);
    const target = memory.allocate(outBytes + 2 * GUARD_BYTES);
    memory.bytes(source, blocks.length).set(blocks);
    memory.bytes(target, outBytes + 2 * GUARD_BYTES).fill(GUARD);
    const { decode } = await this.#kernel.instantiate(memory.memory);
    decode(source, target + GUARD_BYTES, blockCount);
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
    const { values, brokenGuards } = await this.decode(blocks);
    const exact = Float32Array.from(slowDecode(this.#type, blocks));
    // A stored float32 is copied, so there even a NaN keeps its payload.
    if (this.#type === 'f32') exact.set(new Float32Array(Uint8Array.from(blocks).buffer));
    return countDifferentBits(values, exact, this.#type === 'f32') + brokenGuards;
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
function blocksOf(type: StoredType): fc.Arbitrary<Uint8Array> {
  const { bytes: blockBytes, elements, halves } = LAYOUTS[type];
  const special = fc.option(fc.constantFrom(...SPECIAL_HALVES), { freq: 2 });
  return fc.integer({ min: 1, max: elements === 1 ? 9 : 5 }).chain((count) =>
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

function livePart(type: StoredType, decoder: GuardedDecoder): Part {
  return {
    needs: [needOf(type)],
    planned: LIVE_SLICES,
    async run(context) {
      for await (const { blocks, where } of trainedSlices(context, type)) {
        context.measure(await decoder.countDifferences(blocks), where);
        context.output(bytesOf((await decoder.decode(blocks)).values));
      }
    },
  };
}

interface VectorIndex {
  producer: { name: string; version: string };
}

async function compareWithVectors(context: PartContext, type: StoredType, decoder: GuardedDecoder): Promise<void> {
  const stem = `falsifiers/vectors/quant-decode/${type.toUpperCase()}`;
  const index = JSON.parse(
    await readFile(context.data('falsifiers/vectors/quant-decode/index.json'), 'utf8'),
  ) as VectorIndex;
  const blocks = new Uint8Array(await readFile(context.data(`${stem}.blocks.bin`)));
  const recorded = new Uint8Array(await readFile(context.data(`${stem}.f32.bin`)));
  const { name, version } = index.producer;
  context.oracle({ name, version, digest: createHash('sha256').update(recorded).digest('hex') });
  const { elements, bytes: blockBytes } = LAYOUTS[type];
  const blockCount = blocks.length / blockBytes;
  for (let slice = 0; slice < ORACLE_SLICES; slice++) {
    const [first, end] = [slice, slice + 1].map((n) => Math.floor((blockCount * n) / ORACLE_SLICES)) as [
      number,
      number,
    ];
    const { values, brokenGuards } = await decoder.decode(blocks.subarray(first * blockBytes, end * blockBytes));
    const theirs = new Float32Array(recorded.slice(first * elements * 4, end * elements * 4).buffer);
    context.measure(countDifferentBits(values, theirs) + brokenGuards, `recorded blocks ${first} to ${end - 1}`);
    context.output(bytesOf(values));
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  // NaN payloads are free, so they must not reach the digest by which machines are compared.
  const plain = values.map((value) => (Number.isNaN(value) ? NaN : value));
  return new Uint8Array(plain.buffer);
}
