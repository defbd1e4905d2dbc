// Plain quantisers from the definition of each type: enough to turn trained weights into blocks of a type in which no
// trained file is at hand. Not llama.cpp's (no search for a better scale), and not the product's.
import { halfToDouble, LAYOUTS, type StoredType } from '../references/slow-decode.ts';

export type QuantisedHere = 'bf16' | 'q4_0' | 'q5_0' | 'q5_1' | 'q5_k';

/** Blocks of `type`; `values` fill whole blocks. */
export function quantise(type: QuantisedHere, values: Float64Array): Uint8Array {
  const { elements, bytes } = LAYOUTS[type];
  const out = new Uint8Array((values.length / elements) * bytes);
  for (let block = 0; block * elements < values.length; block++) {
    const view = new DataView(out.buffer, block * bytes, bytes);
    QUANTISERS[type](values.subarray(block * elements, (block + 1) * elements), view);
  }
  return out;
}

type BlockQuantiser = (values: Float64Array, view: DataView) => void;

const QUANTISERS: Readonly<Record<QuantisedHere, BlockQuantiser>> = {
  // Truncation to the upper half of a float32: what matters here is decoding, not rounding.
  bf16(values, view) {
    const single = new DataView(new ArrayBuffer(4));
    single.setFloat32(0, values[0] ?? 0, true);
    view.setUint16(0, single.getUint16(2, true), true);
  },
  q4_0: symmetric(8, 2),
  q5_0: symmetric(16, 6, 2),
  q5_1(values, view) {
    const minimum = putHalf(view, 2, Math.min(...values));
    const scale = putHalf(view, 0, (Math.max(...values) - minimum) / 31);
    putQuants(
      view,
      8,
      4,
      Array.from(values, (x) => nearest((x - minimum) / scale, 31)),
    );
  },
  q5_k(values, view) {
    const parts = Array.from({ length: 8 }, (_, j) => values.subarray(32 * j, 32 * (j + 1)));
    const minima = parts.map((part) => Math.max(0, -Math.min(...part)));
    const scales = parts.map((part, j) => (Math.max(...part) + (minima[j] ?? 0)) / 31);
    const d = putHalf(view, 0, Math.max(...scales) / 63);
    const dmin = putHalf(view, 2, Math.max(...minima) / 63);
    for (const [j, part] of parts.entries()) {
      const scale = nearest((scales[j] ?? 0) / d, 63);
      const minimum = nearest((minima[j] ?? 0) / dmin, 63);
      putScale(view, j, scale, minimum);
      for (const [i, x] of part.entries())
        putFifthBitQuant(view, j, i, nearest((x + dmin * minimum) / (d * scale), 31));
    }
  },
};

/** d · (q − half) with q in 0 … 2·half − 1; the value of largest magnitude sits at q = 0. */
function symmetric(half: number, quantsAt: number, fifthsAt?: number): BlockQuantiser {
  return (values, view) => {
    const extreme = values.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
    const scale = putHalf(view, 0, extreme / -half);
    putQuants(
      view,
      quantsAt,
      fifthsAt,
      Array.from(values, (x) => nearest(x / scale + half, 2 * half - 1)),
    );
  };
}

/** The nearest integer within 0 … highest; 0 where there is none because a scale was 0. */
function nearest(x: number, highest: number): number {
  return Number.isFinite(x) ? Math.min(highest, Math.max(0, Math.round(x))) : 0;
}

/** Stores the nearest float16 and answers what it is worth. */
function putHalf(view: DataView, at: number, value: number): number {
  view.setFloat16(at, value, true);
  return halfToDouble(view.getUint16(at, true));
}

function putQuants(view: DataView, at: number, fifthsAt: number | undefined, quants: readonly number[]): void {
  let fifths = 0;
  for (const [i, quant] of quants.entries()) {
    const byteAt = at + (i % 16);
    view.setUint8(byteAt, view.getUint8(byteAt) + (quant % 16) * (i < 16 ? 1 : 16));
    if (quant >= 16) fifths += 2 ** i;
  }
  if (fifthsAt !== undefined) view.setUint32(fifthsAt, fifths, true);
}

function putScale(view: DataView, j: number, scale: number, minimum: number): void {
  const add = (at: number, value: number): void => view.setUint8(at, view.getUint8(at) + value);
  if (j < 4) {
    add(4 + j, scale);
    add(8 + j, minimum);
  } else {
    add(8 + j, (scale % 16) + 16 * (minimum % 16));
    add(j, 64 * Math.floor(scale / 16));
    add(4 + j, 64 * Math.floor(minimum / 16));
  }
}

function putFifthBitQuant(view: DataView, j: number, i: number, quant: number): void {
  const nibbleAt = 48 + 32 * Math.floor(j / 2) + i;
  view.setUint8(nibbleAt, view.getUint8(nibbleAt) + (quant % 16) * (j % 2 === 0 ? 1 : 16));
  if (quant >= 16) view.setUint8(16 + i, view.getUint8(16 + i) + 2 ** j);
}

/** Whether trained weights of these types are quantised here because no trained file has them. */
export function isQuantisedHere(type: StoredType): type is QuantisedHere {
  return type in QUANTISERS;
}
