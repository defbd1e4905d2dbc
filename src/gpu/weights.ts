// The weights of a program on the GPU: the file's blocks, in planes (planes.ts), rows in groups of four. Several matrices that are
// multiplied with the same input may share a buffer, so that one dispatch makes them all; a matrix that is larger than a
// binding may be has several buffers of whole rows.
import { RefuteError } from '../errors.ts';
import type { TensorTypeName } from '../engine/formats/tensor-types.ts';
import type { WeightInfo, WeightSource } from '../engine/program/executor.ts';
import type { WeightName } from '../engine/program/program.ts';
import type { GpuDevice } from './device.ts';
import type { OwnedBuffers } from './owned-buffers.ts';
import { GROUP_ROWS, packPlane, planeBytes, planeLayout, planeStarts, type PlaneLayout } from './planes.ts';
import { COPY_DST, STORAGE } from './usage.ts';

/** Rows of a matrix that lie in one buffer. */
export interface WeightPart {
  buffer: GPUBuffer;
  firstRow: number;
  /** A multiple of four: beyond the matrix there are rows of zeros. */
  rowCount: number;
  /** Where the planes after the first begin, in words. */
  planes: readonly number[];
}

/** Row r of the matrix is row (r / 4) · rowStep + rowShift + r % 4 of its part's buffer. */
export interface GpuWeight {
  type: TensorTypeName;
  columns: number;
  units: number;
  /** Of one matrix, a multiple of four; a weight of experts has one matrix for each, one after the other. */
  rows: number;
  rowStep: number;
  rowShift: number;
  parts: readonly WeightPart[];
}

/** How matrices share a buffer: one after the other, or four rows of each in turn. */
export type Stacking = 'sequence' | 'turns';

/** Where weights come from, and who owns their buffers. */
export interface UploadSite {
  gpu: GpuDevice;
  source: WeightSource;
  buffers: OwnedBuffers;
}

interface Matrix {
  info: WeightInfo;
  layout: PlaneLayout;
  columns: number;
  /** Of one matrix of the weight, as stored and in groups of four. */
  storedRows: number;
  rows: number;
  matrixCount: number;
}

export function infoOf(source: WeightSource, name: WeightName): WeightInfo {
  const info = source.info(name);
  if (info === undefined) throw new RangeError(`weight ${name} was never listed`);
  return info;
}

const UPLOAD_BYTES = 2 ** 23;

function matrixOf(info: WeightInfo): Matrix {
  const { type, shape } = info;
  const columns = shape.at(-1) ?? 1;
  const storedRows = shape.at(-2) ?? 1;
  const matrixCount = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const rows = GROUP_ROWS * Math.ceil(storedRows / GROUP_ROWS);
  return { info, layout: planeLayout(type, columns), columns, storedRows, rows, matrixCount };
}

/** @throws RefuteError E_GPU_MEMORY, E_GPU_BUFFER, E_GPU_WEIGHT_SIZE, E_GPU_LOST, and those of the source */
export async function uploadWeight(site: UploadSite, info: WeightInfo): Promise<GpuWeight> {
  const matrix = matrixOf(info);
  const { layout, rows, columns } = matrix;
  const parts: WeightPart[] = [];
  for (const { firstRow, rowCount } of partsOf(site.gpu, info)) {
    const part = await createPart(site, info.name, layout, rowCount);
    await fill(site, { part, layout, bufferRows: rowCount, bufferFirstRow: 0, firstRow, rowCount }, [matrix]);
    parts.push({ ...part, firstRow });
  }
  return { type: info.type, columns, units: layout.units, rows, rowStep: GROUP_ROWS, rowShift: 0, parts };
}

/**
 * How a weight is cut, so that each part fits a binding: four rows are never parted, nor is a matrix of an expert.
 *
 * @throws RefuteError E_GPU_WEIGHT_SIZE
 */
export function partsOf(gpu: GpuDevice, info: WeightInfo): Omit<WeightPart, 'buffer'>[] {
  const { layout, rows, matrixCount } = matrixOf(info);
  const unit = matrixCount === 1 ? GROUP_ROWS : rows;
  const unitBytes = planeBytes(layout, unit);
  const rowsPerPart = Math.floor(gpu.bindingBytes / unitBytes) * unit;
  if (rowsPerPart === 0) {
    const is = `${unit} rows of ${info.name} have ${unitBytes} bytes`;
    const allowed = `a binding takes ${gpu.bindingBytes}`;
    throw new RefuteError({ code: 'E_GPU_WEIGHT_SIZE', place: gpu.name, is, allowed, next: 'Use --engine cpu' });
  }
  const parts: Omit<WeightPart, 'buffer'>[] = [];
  for (let firstRow = 0; firstRow < rows * matrixCount; firstRow += rowsPerPart) {
    const rowCount = Math.min(rowsPerPart, rows * matrixCount - firstRow);
    parts.push({ firstRow, rowCount, planes: planeWords(layout, rowCount) });
  }
  return parts;
}

/** Whether matrices may share a buffer: equal types and columns, all of it in one binding; in turns: equal rows, too. */
export function canStack(gpu: GpuDevice, infos: readonly WeightInfo[], stacking: Stacking): boolean {
  const matrices = infos.map(matrixOf);
  const [first] = matrices;
  if (first === undefined) return false;
  const byteLength = matrices.reduce(
    (sum, { layout, rows, matrixCount }) => sum + planeBytes(layout, rows * matrixCount),
    0,
  );
  return (
    byteLength <= gpu.bindingBytes &&
    matrices.every(
      ({ info, columns, storedRows, matrixCount }) =>
        info.type === first.info.type &&
        columns === first.columns &&
        (stacking === 'sequence'
          ? matrixCount === 1
          : storedRows === first.storedRows && matrixCount === first.matrixCount),
    )
  );
}

/** In the order of `infos`, for which `canStack` holds. The weights share their part. */
export async function uploadStack(
  site: UploadSite,
  infos: readonly WeightInfo[],
  stacking: Stacking,
): Promise<GpuWeight[]> {
  const matrices = infos.map(matrixOf);
  const rowCounts = matrices.map(({ rows, matrixCount }) => rows * matrixCount);
  const bufferRows = rowCounts.reduce((sum, count) => sum + count, 0);
  const layout = matrices[0]?.layout ?? planeLayout('f32', 1);
  const part = await createPart(site, infos.map(({ name }) => name).join(' + '), layout, bufferRows);
  const whole = { part, layout, bufferRows, firstRow: 0 };
  const shifts = rowCounts.map((_, i) => rowCounts.slice(0, i).reduce((sum, count) => sum + count, 0));
  if (stacking === 'turns') {
    await fill(site, { ...whole, bufferFirstRow: 0, rowCount: rowCounts[0] ?? 0 }, matrices);
  } else {
    for (const [i, matrix] of matrices.entries()) {
      const run = { ...whole, bufferFirstRow: shifts[i] ?? 0, rowCount: rowCounts[i] ?? 0 };
      await fill(site, run, [matrix]);
    }
  }
  return matrices.map(({ info, columns, rows, layout: { units } }, i): GpuWeight => {
    const [rowStep, rowShift] =
      stacking === 'turns' ? [GROUP_ROWS * matrices.length, GROUP_ROWS * i] : [GROUP_ROWS, shifts[i] ?? 0];
    const own = { ...part, firstRow: 0, rowCount: rowCounts[i] ?? 0 };
    return { type: info.type, columns, units, rows, rowStep, rowShift, parts: [own] };
  });
}

async function createPart(
  { buffers }: UploadSite,
  name: string,
  layout: PlaneLayout,
  rowCount: number,
): Promise<WeightPart> {
  const buffer = await buffers.create(name, planeBytes(layout, rowCount), STORAGE | COPY_DST);
  return { buffer, firstRow: 0, rowCount, planes: planeWords(layout, rowCount) };
}

/** Of the planes after the first. */
function planeWords(layout: PlaneLayout, rowCount: number): number[] {
  return planeStarts(layout, rowCount)
    .slice(1)
    .map((byte) => byte / 4);
}

/** Rows of the buffer that come from so many rows of each matrix, in groups of four of each in turn. */
interface Run {
  part: WeightPart;
  layout: PlaneLayout;
  bufferRows: number;
  bufferFirstRow: number;
  firstRow: number;
  rowCount: number;
}

async function fill({ gpu, source }: UploadSite, run: Run, matrices: readonly Matrix[]): Promise<void> {
  const { part, layout, bufferRows, bufferFirstRow, firstRow, rowCount } = run;
  const starts = planeStarts(layout, bufferRows);
  const step = GROUP_ROWS * matrices.length;
  const wellRows = GROUP_ROWS * Math.floor(UPLOAD_BYTES / planeBytes(layout, step));
  const chunkRows = Math.min(rowCount, Math.max(GROUP_ROWS, wellRows));
  const stored = new Uint8Array(chunkRows * layout.rowBytes);
  for (let done = 0; done < rowCount; done += chunkRows) {
    const count = Math.min(chunkRows, rowCount - done);
    const planes = layout.fields.map(
      ([, byteLength]) => new Uint8Array(count * matrices.length * layout.blocksPerRow * byteLength),
    );
    for (const [turn, matrix] of matrices.entries()) {
      for (const { at, from, rows } of storedRuns(matrix, firstRow + done, count)) {
        const bytes = stored.subarray(0, rows * layout.rowBytes);
        await source.read(matrix.info.name, from * layout.rowBytes, bytes);
        const rowOf = (row: number): number =>
          Math.floor((at + row) / GROUP_ROWS) * step + GROUP_ROWS * turn + ((at + row) % GROUP_ROWS);
        for (const [plane, into] of planes.entries()) packPlane(layout, plane, bytes, into, rowOf);
      }
    }
    for (const [plane, bytes] of planes.entries()) {
      const rowBytes = layout.blocksPerRow * (layout.fields[plane]?.[1] ?? 0);
      const offset = (starts[plane] ?? 0) + (bufferFirstRow + done * matrices.length) * rowBytes;
      gpu.device.queue.writeBuffer(part.buffer, offset, bytes);
    }
  }
}

/** Which stored rows, from `from` on, rows [first, first + count) in groups of four are: those beyond a matrix are none. */
function storedRuns(
  { rows, storedRows }: Matrix,
  first: number,
  count: number,
): { at: number; from: number; rows: number }[] {
  if (rows === storedRows) return [{ at: 0, from: first, rows: count }];
  const runs: { at: number; from: number; rows: number }[] = [];
  for (let row = first; row < first + count;) {
    const within = row % rows;
    const next = Math.min(first + count, row - within + rows);
    const have = Math.min(storedRows - within, next - row);
    if (have > 0) runs.push({ at: row - first, from: Math.floor(row / rows) * storedRows + within, rows: have });
    row = next;
  }
  return runs;
}
