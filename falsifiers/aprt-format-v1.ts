// Tries to break the APRT stage file: bits in and out, the bytes that the format prescribes, and what is refused.
// Not claimed here: that a stage holds the right values (forward-path-identity-v1, hf-parity-qwen2-v1) and which files a
// capture has (apr-cli-trace-save-tensor-v1).
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { RefuteError } from '../src/errors.ts';
import { CaptureWriter } from '../src/engine/capture/write-capture.ts';
import { stageFile, type CaptureManifest } from '../src/engine/capture/manifest.ts';
import { parseAprt, encodeAprtHeader } from '../src/engine/formats/aprt.ts';
import type { Falsifier, PartContext } from '../src/runner/run/falsifier.ts';
import { aprtFile } from './kit/models/aprt-file.ts';
import { readPackManifest, type PackManifest } from './kit/models/packs.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { orNaN } from './kit/judges/refusals.ts';
import { readSafetensors, valuesOf } from './kit/models/safetensors.ts';
import { plants } from './kit/claims/plants.ts';

const WHOLE_MODEL = 0xff_ff_ff_ff;

/** The format by hand: what any reader of the original tool expects at which byte. */
function bytesByHand(layer: number | null, bits: Uint32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(12 + 4 * bits.length));
  for (const [i, letter] of ['A', 'P', 'R', 'T'].entries()) view.setUint8(i, letter.charCodeAt(0));
  view.setUint32(4, layer ?? WHOLE_MODEL, true);
  view.setUint32(8, bits.length, true);
  for (const [i, word] of bits.entries()) view.setUint32(12 + 4 * i, word, true);
  return new Uint8Array(view.buffer);
}

interface Tensor {
  layer: number | null;
  bits: Uint32Array;
}

/** Bits that a computation rarely leaves behind: quiet and signalling NaN, infinities, −0, the smallest subnormal. */
const RARE_BITS = [0x7fc00001, 0x7f800001, 0xffc0dead, 0x7f800000, 0xff800000, 0x80000000, 0x00000001, 0xffffffff];

const tensor: fc.Arbitrary<Tensor> = fc.record({
  layer: fc.oneof(
    fc.constant(null),
    fc.integer({ min: 0, max: 80 }),
    fc.constantFrom(2 ** 31 - 1, 2 ** 31, WHOLE_MODEL - 1),
  ),
  bits: fc
    .array(fc.oneof(fc.integer({ min: 0, max: WHOLE_MODEL }), fc.constantFrom(...RARE_BITS)), { maxLength: 64 })
    .map((words) => Uint32Array.from(words)),
});

function floatsOf(bits: Uint32Array): Float32Array {
  return new Float32Array(bits.buffer, bits.byteOffset, bits.length);
}

function bitsOf(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

function countByteDifferences(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.max(a.length, b.length);
  return a.filter((byte, i) => byte !== b[i]).length;
}

function countDifferences({ layer, bits }: Tensor, found: { layer: number | null; data: Float32Array }): number {
  if (found.data.length !== bits.length) return Math.max(found.data.length, bits.length);
  const back = bitsOf(found.data);
  return bits.filter((word, i) => word !== back[i]).length + (layer === found.layer ? 0 : 1);
}

/** 0 where the bytes are refused with a code of the format, 1 where they are read or something else is thrown. */
function countAccepted(bytes: Uint8Array): number {
  try {
    parseAprt(bytes);
    return 1;
  } catch (error) {
    return error instanceof RefuteError && error.code.startsWith('E_APRT_') ? 0 : 1;
  }
}

const ABOUT: Omit<CaptureManifest, 'files'> = {
  schemaVersion: 1,
  model: { name: 'sums-2m', sha256: '0'.repeat(64), architecture: 'qwen2' },
  tokens: [0],
  positions: 'all',
  prompt: null,
  chatTemplateApplied: false,
  origin: { producer: { name: 'aprt-format-v1', version: '1' } },
};

/** Trained tensors, rounded to float32, through the product's folder writer in pieces of odd lengths. */
const WRITTEN_TENSORS = 24;

async function* writtenTensors(context: PartContext): AsyncGenerator<{ name: string; tensor: Tensor; path: string }> {
  context.model('model:sums-2m');
  const trained = await readSafetensors(context.data('models/sums-2m/hf/model.safetensors'));
  const random = new SeededRandom(context.seed);
  const writer = await CaptureWriter.create(context.folder, ABOUT);
  for (const [name, stored] of [...trained].slice(0, WRITTEN_TENSORS)) {
    const data = Float32Array.from(valuesOf(stored));
    const layer = Number(/layers\.(\d+)\./.exec(name)?.[1] ?? NaN);
    const stage = {
      id: name,
      name: name.replaceAll(/[^a-z0-9]/g, '_'),
      layer: Number.isNaN(layer) ? null : layer,
      shape: [data.length],
    };
    await writer.begin(stage);
    for (let at = 0; at < data.length;) {
      const piece = data.subarray(at, at + 1 + random.below(70_000));
      await writer.append(stage, piece);
      at += piece.length;
    }
    await writer.end(stage);
    yield { name, tensor: { layer: stage.layer, bits: bitsOf(data) }, path: join(context.folder, stageFile(stage)) };
  }
  await writer.finish();
}

/** One prompt of the reference pack: every file of it was written by Python's struct and numpy. */
const PACK = 'models/sums-2m/packs/float64/raw-sum';
const PACK_FILES = 75;

async function forEachPackFile(
  context: PartContext,
  measure: (bytes: Uint8Array, file: PackManifest['files'][string]) => number,
): Promise<void> {
  const manifest = await readPackManifest(context, PACK);
  for (const [path, file] of Object.entries(manifest.files)) {
    const bytes = new Uint8Array(await readFile(context.data(`${PACK}/${path}`)));
    context.measure(await orNaN(() => measure(bytes, file)), path);
  }
}

/**
 * What the original tool's published evidence says of its own files: header and size for an element count, on a 7-token
 * run of Qwen2.5-Coder-7B.
 */
const PUBLISHED: readonly { stage: string; layer: number | null; elements: number; header: string; bytes: number }[] = [
  { stage: 'lm_head', layer: null, elements: 152_064, header: '41505254ffffffff00520200', bytes: 608_268 },
  { stage: 'embedding', layer: 0, elements: 7 * 3584, header: '415052540000000000620000', bytes: 100_364 },
  { stage: 'qkv_matmul', layer: 0, elements: 7 * 4608, header: '4150525400000000007e0000', bytes: 129_036 },
];

async function damageFiles(context: PartContext): Promise<void> {
  const path = context.data(`${PACK}/layer-0/attn_norm.bin`);
  const whole = new Uint8Array(await readFile(path));
  await mkdir(context.folder, { recursive: true });
  const damages: [string, Uint8Array][] = [0, 1, 3, 4, 11, 12, 13, whole.length - 4, whole.length - 1].map((length) => [
    `cut at byte ${length}`,
    whole.slice(0, length),
  ]);
  damages.push(['one byte longer', new Uint8Array([...whole, 0])]);
  damages.push(['one element longer', new Uint8Array([...whole, 0, 0, 0, 0])]);
  for (const [name, bytes] of damages) {
    const damaged = join(context.folder, 'damaged.bin');
    await writeFile(damaged, bytes);
    const { exitCode, stderr } = await context.program('apr', ['diff', '--values', path, damaged]);
    // Too short for a magic, a file is of no known format; otherwise the format itself refuses it.
    const isRefused = exitCode === 3 && /E_APRT_|E_FORMAT/.test(stderr);
    context.measure(isRefused ? 0 : 1, `attn_norm.bin ${name}: exit ${exitCode}`);
  }
  // The same command on the undamaged file, so that a program which refuses everything does not pass.
  const { exitCode } = await context.program('apr', ['diff', '--values', path, path]);
  context.measure(exitCode === 0 ? 0 : 1, `attn_norm.bin undamaged: exit ${exitCode}`);
}

/** Length of a file and its header fields, in a hostile combination. */
const lyingFile: fc.Arbitrary<Uint8Array> = fc
  .record({ tensor, bit: fc.nat(31), field: fc.constantFrom('magic', 'count'), shift: fc.integer({ min: 1, max: 31 }) })
  .map(({ tensor: { layer, bits }, bit, field, shift }) => {
    const bytes = bytesByHand(layer, bits);
    const view = new DataView(bytes.buffer);
    const at = field === 'magic' ? 0 : 8;
    view.setUint32(
      at,
      (view.getUint32(at, true) ^ (2 ** bit) ^ (shift > 16 ? 2 ** ((bit + shift) % 32) : 0)) >>> 0,
      true,
    );
    return bytes;
  });

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-APRT-001': {
    parts: {
      generated: {
        planned: 1000,
        run: (context) =>
          context.search(tensor, context.planned, (input) =>
            orNaN(() =>
              countDifferences(input, parseAprt(aprtFile({ layer: input.layer, data: floatsOf(input.bits) }))),
            ),
          ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: WRITTEN_TENSORS,
        async run(context) {
          for await (const { name, tensor: written, path } of writtenTensors(context)) {
            const bytes = new Uint8Array(await readFile(path));
            context.output(bytes);
            context.measure(await orNaN(() => countDifferences(written, parseAprt(bytes))), name);
          }
        },
      },
      oracle: {
        planned: PACK_FILES,
        run: (context) =>
          forEachPackFile(context, (bytes, { layer, shape }) => {
            const found = parseAprt(bytes);
            const elements = shape.reduce((product, extent) => product * extent, 1);
            const isAsStated = found.layer === layer && found.data.length === elements;
            return (isAsStated ? 0 : 1) + countByteDifferences(bytes, aprtFile(found));
          }),
      },
    },
    faults: plants`
      src/engine/formats/aprt.ts
      gross aprt-body-reversed: elements come back in reverse order
      - return { layer, data };
      + return { layer, data: data.toReversed() };
      small aprt-nan-made-quiet: a NaN comes back as the one that arithmetic makes
      - return { layer, data };
      + return { layer, data: data.map((x) => (x === x ? x : NaN)) };
    `,
  },

  'FALSIFY-APRT-002': {
    parts: {
      generated: {
        planned: 1000,
        run: (context) =>
          context.search(tensor, context.planned, ({ layer, bits }) =>
            orNaN(() => countByteDifferences(aprtFile({ layer, data: floatsOf(bits) }), bytesByHand(layer, bits))),
          ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: WRITTEN_TENSORS,
        async run(context) {
          for await (const {
            name,
            tensor: { layer, bits },
            path,
          } of writtenTensors(context)) {
            const bytes = new Uint8Array(await readFile(path));
            context.output(bytes);
            context.measure(countByteDifferences(bytes, bytesByHand(layer, bits)), name);
          }
        },
      },
      oracle: {
        planned: PUBLISHED.length,
        async run(context) {
          context.oracle({ name: 'apr, published evidence of its stage files', version: 'contract v1.4.0' });
          for (const { stage, layer, elements, header, bytes } of PUBLISHED) {
            const file = aprtFile({ layer, data: new Float32Array(elements) });
            const found = Buffer.from(encodeAprtHeader(layer, elements)).toString('hex');
            const differences = (found === header ? 0 : 1) + (file.length === bytes ? 0 : 1);
            context.measure(differences, `${stage}: ${file.length} bytes, ${found}`);
          }
        },
      },
    },
    faults: plants`
      src/engine/formats/aprt.ts
      gross aprt-layer-big-endian: the layer is written with its bytes reversed
      - header.setUint32(4, layer ?? WHOLE_MODEL, true);
      + header.setUint32(4, layer ?? WHOLE_MODEL, false);
      small aprt-whole-model-lowest-bit: the whole-model mark misses its lowest bit
      - header.setUint32(4, layer ?? WHOLE_MODEL, true);
      + header.setUint32(4, layer ?? 0xff_ff_ff_fe, true);
    `,
  },

  'FALSIFY-APRT-003': {
    parts: {
      generated: {
        planned: 200,
        run: (context) =>
          context.search(tensor, context.planned, ({ layer, bits }) => {
            const bytes = bytesByHand(layer, bits);
            let accepted = 0;
            for (let length = 0; length < bytes.length; length++) accepted += countAccepted(bytes.subarray(0, length));
            for (let extra = 1; extra <= 8; extra++) {
              accepted += countAccepted(new Uint8Array([...bytes, ...new Uint8Array(extra)]));
            }
            return accepted;
          }),
      },
      live: { planned: 12, run: damageFiles },
    },
    faults: plants`
      src/engine/formats/aprt.ts
      gross aprt-length-unchecked: the body may have any length
      - if (bodyLength !== elementCount * 4)
      + if (bodyLength < 0)
      small aprt-three-bytes-too-many: up to three bytes may follow the last element
      - if (bodyLength !== elementCount * 4)
      + if (Math.floor(bodyLength / 4) !== elementCount)
    `,
  },

  'FALSIFY-APRT-004': {
    parts: {
      generated: { planned: 1000, run: (context) => context.search(lyingFile, context.planned, countAccepted) },
      live: {
        planned: PACK_FILES * 2,
        async run(context) {
          const manifest = await readPackManifest(context, PACK);
          const random = new SeededRandom(context.seed);
          for (const path of Object.keys(manifest.files)) {
            const bytes = new Uint8Array(await readFile(context.data(`${PACK}/${path}`)));
            for (const start of [0, 8]) {
              const [at, bit] = [start + random.below(4), random.below(8)];
              context.measure(
                countAccepted(bytes.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte))),
                `${path}, bit ${bit} of byte ${at}`,
              );
            }
          }
        },
      },
    },
    faults: plants`
      src/engine/formats/aprt.ts
      gross aprt-magic-unchecked: any first four bytes will do
      - if (header.getUint32(0, true) !== MAGIC)
      + if (header.getUint32(0, true) === 0)
      small aprt-magic-any-case: the magic may be in lower case
      - if (header.getUint32(0, true) !== MAGIC)
      + if ((header.getUint32(0, true) & 0xdfdfdfdf) !== (MAGIC & 0xdfdfdfdf))
    `,
  },
};
