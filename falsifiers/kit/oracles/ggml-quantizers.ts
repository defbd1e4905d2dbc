// ggml's own quantisers of activations, called in the CPU builds that node-llama-cpp brings, as many of them as this
// processor runs; and how the bytes that they write are read.
import { join } from 'node:path';
import koffi from 'koffi';
import { findPackageBuild, variantLibrary } from '../../../src/oracles/external/llama-cpp-subject/package-build.ts';
import type { StoredRow } from '../references/plain-roundings.ts';

export interface GgmlBuild {
  variant: string;
  /** What one of its functions writes for a row. */
  quantize(quantizer: Quantizer, x: Float32Array): Uint8Array;
  /** A table of 2^16 halves. */
  table(symbol: string): Float16Array;
}

export interface Quantizer {
  /** The exported function. */
  name: string;
  /** Rows that it takes at a time; all are given the same one. */
  rowsAtATime: 1 | 4;
  blockElements: number;
  blockBytes: number;
  /** The first of the rows. */
  read(bytes: Uint8Array): StoredRow;
}

/** Fields of a block: where d and q lie, and s where there is one. */
interface BlockFields {
  elements: number;
  bytes: number;
  step: (bytes: DataView, at: number) => number;
  sumAt?: number;
  integersAt: number;
}

const half = (bytes: DataView, at: number): number => bytes.getFloat16(at, true);
const float = (bytes: DataView, at: number): number => bytes.getFloat32(at, true);

const inRows = (name: string, fields: BlockFields): Quantizer => ({
  name,
  rowsAtATime: 1,
  blockElements: fields.elements,
  blockBytes: fields.bytes,
  read: (bytes) => readBlocks(bytes, fields, (at, i) => at + fields.integersAt + i),
});

/** Four rows in one block: four d, then 8 integers of each row by turns. */
const fourRows = (name: string, fields: BlockFields): Quantizer => ({
  ...inRows(name, fields),
  rowsAtATime: 4,
  blockBytes: fields.bytes / 4,
  read: (bytes) => readBlocks(bytes, fields, (at, i) => at + fields.integersAt + 32 * Math.floor(i / 8) + (i % 8)),
});

const halves = (name: string, read: (bytes: DataView, at: number) => number): Quantizer => ({
  name,
  rowsAtATime: 1,
  blockElements: 1,
  blockBytes: 2,
  read(bytes) {
    const view = viewOf(bytes);
    return { values: Float64Array.from({ length: bytes.length / 2 }, (_, i) => read(view, 2 * i)), sums: null };
  },
});

export const TO_F16: readonly Quantizer[] = [halves('ggml_cpu_fp32_to_fp16', half)];
export const TO_BF16: readonly Quantizer[] = [
  halves('ggml_cpu_fp32_to_bf16', (bytes, at) => {
    const upper = new DataView(new ArrayBuffer(4));
    upper.setUint16(0, bytes.getUint16(at, true));
    return upper.getFloat32(0);
  }),
];
export const TO_Q8_0: readonly Quantizer[] = [
  inRows('quantize_row_q8_0', { elements: 32, bytes: 34, step: half, integersAt: 2 }),
  fourRows('ggml_quantize_mat_q8_0_4x8', { elements: 32, bytes: 136, step: half, integersAt: 8 }),
];
export const TO_Q8_1: readonly Quantizer[] = [
  inRows('quantize_row_q8_1', { elements: 32, bytes: 36, step: half, sumAt: 2, integersAt: 4 }),
];
/** The second in its plain form too, which a build with fused multiply-add fuses. */
export const TO_Q8_K: readonly Quantizer[] = [
  inRows('quantize_row_q8_K', { elements: 256, bytes: 292, step: float, integersAt: 4 }),
  fourRows('ggml_quantize_mat_q8_K_4x8', { elements: 256, bytes: 1168, step: float, integersAt: 16 }),
  fourRows('ggml_quantize_mat_q8_K_4x8_generic', { elements: 256, bytes: 1168, step: float, integersAt: 16 }),
];

function readBlocks(
  bytes: Uint8Array,
  { elements, bytes: blockBytes, step, sumAt }: BlockFields,
  integerAt: (block: number, i: number) => number,
): StoredRow {
  const view = viewOf(bytes);
  const blockCount = bytes.length / blockBytes;
  const values = Float64Array.from({ length: blockCount * elements }, (_, i) => {
    const at = Math.floor(i / elements) * blockBytes;
    return step(view, at) * view.getInt8(integerAt(at, i % elements));
  });
  if (sumAt === undefined) return { values, sums: null };
  return {
    values,
    sums: Float64Array.from({ length: blockCount }, (_, block) => half(view, block * blockBytes + sumAt)),
  };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** @throws Error where the package is not there */
export function ggmlBuilds(): { version: string; builds: GgmlBuild[] } {
  const found = findPackageBuild();
  if ('absent' in found) throw new Error(`ggml cannot be called: ${found.absent}`);
  // The builds find it among the symbols that are loaded.
  koffi.load(join(found.folder, 'libggml-base.so'), { global: true });
  const builds = found.variants.flatMap((variant) => openBuild(variant, variantLibrary(found, variant)) ?? []);
  return { version: `${found.release} (node-llama-cpp ${found.packageVersion})`, builds };
}

/** null: this processor does not run it. */
function openBuild(variant: string, path: string): GgmlBuild | null {
  const library = koffi.load(path);
  if ((library.func('int ggml_backend_score()') as () => number)() === 0) return null;
  (library.func('void ggml_cpu_init()') as () => void)();
  const functions = new Map<string, (x: Float32Array, out: Uint8Array, count: number) => void>();
  return {
    variant,
    quantize({ name, rowsAtATime, blockElements, blockBytes }, x) {
      const quantize = functions.get(name) ?? library.func(`void ${name}(const float *x, void *out, int64_t count)`);
      functions.set(name, quantize as (x: Float32Array, out: Uint8Array, count: number) => void);
      const rows = new Float32Array(rowsAtATime * x.length);
      for (let row = 0; row < rowsAtATime; row += 1) rows.set(x, row * x.length);
      const out = new Uint8Array((rows.length / blockElements) * blockBytes);
      quantize(rows, out, x.length);
      return out;
    },
    table(symbol) {
      const bits: unknown = koffi.decode(library.symbol(symbol, 'uint16_t'), koffi.array('uint16_t', 2 ** 16, 'Typed'));
      return new Float16Array((bits as Uint16Array).slice().buffer);
    },
  };
}
