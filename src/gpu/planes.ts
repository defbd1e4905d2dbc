// How stored blocks lie in a GPU buffer. Where a block is a whole number of 16 bytes it stays as it is; else its fields go apart, a
// plane each, so that what is read 16 bytes at a time is aligned. Every byte of a block is in one plane, once.
import { TENSOR_TYPES, type TensorTypeName } from '../engine/formats/tensor-types.ts';

/** A run of bytes of each block. */
type Field = readonly [offset: number, byteLength: number];

/** Plane 0 is read by 16 bytes; the others by words. The drawings are in engine/formats/tensor-types/. */
const SPLIT: Readonly<Partial<Record<TensorTypeName, readonly Field[]>>> = {
  q8_0: [
    [2, 32],
    [0, 2],
  ],
  q4_0: [
    [2, 16],
    [0, 2],
  ],
  q4_1: [
    [4, 16],
    [0, 4],
  ],
  q5_0: [
    [6, 16],
    [0, 2],
    [2, 4],
  ],
  q5_1: [
    [8, 16],
    [0, 4],
    [4, 4],
  ],
  q6_k: [
    [0, 192],
    [192, 16],
    [208, 2],
  ],
  q3_k: [
    [0, 96],
    [96, 12],
    [108, 2],
  ],
  q2_k: [
    [0, 80],
    [80, 4],
  ],
};

/** Columns that a kernel takes at a time. */
export const UNIT_COLUMNS = 32;
/** Rows that a kernel makes at a time. */
export const GROUP_ROWS = 4;

export interface PlaneLayout {
  fields: readonly Field[];
  blocksPerRow: number;
  blockBytes: number;
  /** Of a stored row, which may be less than its blocks: those of one value each go up to whole units. */
  rowBytes: number;
  /** Units in a row. */
  units: number;
}

export function planeLayout(type: TensorTypeName, columns: number): PlaneLayout {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  const units = Math.ceil(columns / UNIT_COLUMNS);
  const fields = SPLIT[type] ?? [[0, blockBytes]];
  const rowBytes = (columns / blockElements) * blockBytes;
  return { fields, blocksPerRow: (units * UNIT_COLUMNS) / blockElements, blockBytes, rowBytes, units };
}

/** Of so many rows, a multiple of four. */
export function planeBytes({ blocksPerRow, blockBytes }: PlaneLayout, rowCount: number): number {
  return rowCount * blocksPerRow * blockBytes;
}

/** First byte of each plane, of so many rows. Planes follow one another without gaps: four rows of anything are whole words. */
export function planeStarts(layout: PlaneLayout, rowCount: number): number[] {
  let start = 0;
  return layout.fields.map(([, byteLength]) => {
    const own = start;
    start += rowCount * layout.blocksPerRow * byteLength;
    return own;
  });
}

/**
 * Plane `plane` of stored rows: field by field.
 *
 * @param rows stored rows, one after the other
 * @param into where row r goes to is `rowOf(r)` rows into it
 */
export function packPlane(
  layout: PlaneLayout,
  plane: number,
  rows: Uint8Array,
  into: Uint8Array,
  rowOf: (row: number) => number,
): void {
  const { fields, blocksPerRow, blockBytes, rowBytes } = layout;
  const [offset = 0, byteLength = 0] = fields[plane] ?? [];
  const rowCount = rows.byteLength / rowBytes;
  const planeRowBytes = blocksPerRow * byteLength;
  for (let row = 0; row < rowCount; row++) {
    let to = rowOf(row) * planeRowBytes;
    const first = row * rowBytes;
    if (byteLength === blockBytes) {
      into.set(rows.subarray(first, first + rowBytes), to);
      continue;
    }
    for (let from = first + offset; from < first + rowBytes; from += blockBytes) {
      for (let i = 0; i < byteLength; i++) into[to++] = rows[from + i] ?? 0;
    }
  }
}
