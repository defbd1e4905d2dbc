// What plain quantisers have in common: enough to turn trained weights into blocks of a type in which no trained file is at
// hand. Not llama.cpp's (no search for a better scale), and not the product's. Each type's own is in kit/types/<type>.ts.
import type { TensorType } from '../../../src/engine/formats/tensor-types/tensor-type.ts';

/** Writes one block, all zeros before. */
export type BlockQuantiser = (values: Float64Array, view: DataView) => void;

/** Blocks of `type`; `values` fill whole blocks. */
export function quantise({ blockElements, blockBytes }: TensorType, block: BlockQuantiser, values: Float64Array): Uint8Array {
  const out = new Uint8Array((values.length / blockElements) * blockBytes);
  for (let n = 0; n * blockElements < values.length; n++) {
    const view = new DataView(out.buffer, n * blockBytes, blockBytes);
    block(values.subarray(n * blockElements, (n + 1) * blockElements), view);
  }
  return out;
}

/** d · (q − half) with q in 0 … 2·half − 1; the value of largest magnitude sits at q = 0. */
export function symmetric(half: number, quantsAt: number): BlockQuantiser {
  return (values, view) => {
    const scale = putHalf(view, 0, extremeOf(values) / -half);
    const quants = Array.from(values, (x) => nearest(x / scale + half, 2 * half - 1));
    putQuants(view, quantsAt, undefined, quants);
  };
}

/** The value of largest magnitude, with its sign. */
function extremeOf(values: Float64Array): number {
  return values.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
}

/** The nearest integer within 0 … highest; 0 where there is none because a scale was 0. */
export function nearest(x: number, highest: number): number {
  return Number.isFinite(x) ? Math.min(highest, Math.max(0, Math.round(x))) : 0;
}

/** Stores the nearest float16 and answers what it is worth. */
export function putHalf(view: DataView, at: number, value: number): number {
  view.setFloat16(at, value, true);
  return view.getFloat16(at, true);
}

export function putQuants(view: DataView, at: number, fifthsAt: number | undefined, quants: readonly number[]): void {
  let fifths = 0;
  for (const [i, quant] of quants.entries()) {
    const byteAt = at + (i % 16);
    view.setUint8(byteAt, view.getUint8(byteAt) + (quant % 16) * (i < 16 ? 1 : 16));
    if (quant >= 16) fifths += 2 ** i;
  }
  if (fifthsAt !== undefined) view.setUint32(fifthsAt, fifths, true);
}
