// The minimums of weights whose elements are d·q + m: m is one number for several elements, and an engine that
// multiplies integers adds m times their sum apart. The oracle's own decoding, of those fields alone.
import type { WeightSource } from '../../engine/program/executor.ts';
import type { WeightName } from '../../engine/program/program.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../engine/formats/tensor-types.ts';
import { halfToDouble } from './dequantize/half.ts';
import { sixBitMinimum } from './dequantize/six-bit-scales.ts';
import { layoutOf } from './weights.ts';

export interface BlockMinimums {
  /** Neighbours that share a minimum. */
  blockElements: number;
  /** m, signed as it is added; [rows, blocks of a row]. */
  values: Float64Array;
}

interface MinimumFields {
  blockElements: number;
  /** The j-th m of the stored block at `at`. */
  minimum: (bytes: DataView, at: number, j: number) => number;
}

const half = (bytes: DataView, at: number): number => halfToDouble(bytes.getUint16(at, true));

const BESIDE_SCALE: MinimumFields = { blockElements: 32, minimum: (bytes, at) => half(bytes, at + 2) };
const SIX_BIT: MinimumFields = {
  blockElements: 32,
  minimum: (bytes, at, j) => -half(bytes, at + 2) * sixBitMinimum(bytes, at + 4, j),
};
const FOUR_BIT: MinimumFields = {
  blockElements: 16,
  minimum: (bytes, at, j) => -half(bytes, at + 82) * (bytes.getUint8(at + j) >> 4),
};

const FIELDS: Readonly<Partial<Record<TensorTypeName, MinimumFields>>> = {
  q4_1: BESIDE_SCALE,
  q5_1: BESIDE_SCALE,
  q2_k: FOUR_BIT,
  q4_k: SIX_BIT,
  q5_k: SIX_BIT,
};

/** Of rows [firstRow, firstRow + rowCount); null for a type that has none. @throws RefuteError E_PROGRAM_WEIGHT */
export async function readMinimums(
  weights: WeightSource,
  name: WeightName,
  columnCount: number,
  firstRow: number,
  rowCount: number,
): Promise<BlockMinimums | null> {
  const { info, rowBytes } = layoutOf(weights, name, columnCount);
  const fields = FIELDS[info.type];
  if (fields === undefined) return null;
  const { blockElements, minimum } = fields;
  const bytes = new Uint8Array(rowCount * rowBytes);
  await weights.read(name, firstRow * rowBytes, bytes);
  const view = new DataView(bytes.buffer);
  const stored = TENSOR_TYPES[info.type];
  const perStored = stored.blockElements / blockElements;
  const values = Float64Array.from({ length: (rowCount * columnCount) / blockElements }, (_, i) =>
    minimum(view, Math.floor(i / perStored) * stored.blockBytes, i % perStored),
  );
  return { blockElements, values };
}
