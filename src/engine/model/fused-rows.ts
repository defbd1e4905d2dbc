// Weights that a file stores as one matrix, one below the other: Phi-3's query, key and value, its gate and up. Rows are
// contiguous in every tensor type, so that each weight is a stretch of the stored bytes: nothing is decoded or copied.
import { RefuteError } from '../../errors.ts';
import { quoted } from '../formats/quoted.ts';
import { isSameLayout } from '../program/check-program.ts';
import type { WeightSource } from '../program/executor.ts';
import type { Program, WeightName, WeightShape } from '../program/program.ts';
import type { FileTensor } from './model.ts';
import { checkTensorRange } from './stored-weights.ts';

export interface ReadTensors {
  tensors: readonly FileTensor[];
  weights: WeightSource;
}

interface Piece {
  tensor: FileTensor;
  /** The matrix that it is in, and where it begins there. */
  whole: WeightName;
  byteOffset: number;
}

/**
 * The tensors of a file as its program names them.
 *
 * @param fused part of a layer -> the parts whose rows it holds, in this order; see Architecture
 * @throws RefuteError E_MODEL_SHAPE
 */
export function splitFusedRows(
  path: string,
  program: Program,
  { tensors, weights }: ReadTensors,
  fused: Readonly<Record<string, readonly string[]>> = {},
): ReadTensors {
  const names = new Set(tensors.map(({ name }) => name));
  const shapes = new Map(program.weights.map(({ name, shape }) => [name, shape]));
  const pieces = new Map<WeightName, Piece>();
  const split = tensors.flatMap((tensor): FileTensor[] => {
    const held = heldNames(tensor.name, fused);
    if (held[0] === undefined || names.has(held[0])) return [tensor];
    const own = piecesOf(
      path,
      tensor,
      held.map((name) => ({ name, shape: shapes.get(name) ?? [0, 0] })),
    );
    for (const piece of own) pieces.set(piece.tensor.name, piece);
    return own.map((piece) => piece.tensor);
  });
  return { tensors: split, weights: pieces.size === 0 ? weights : withPieces(path, weights, pieces) };
}

/** Of the weights in a fused matrix; none for any other tensor. */
function heldNames(name: WeightName, fused: Readonly<Record<string, readonly string[]>>): WeightName[] {
  const [, layer = '', part = ''] = /^(blk\.\d+)\.(\w+)\.weight$/.exec(name) ?? [];
  return Object.hasOwn(fused, part) ? (fused[part] ?? []).map((one) => `${layer}.${one}.weight`) : [];
}

function piecesOf(path: string, tensor: FileTensor, wanted: readonly WeightShape[]): Piece[] {
  const { name, storedName = name, byteLength } = tensor;
  const rowCount = wanted.reduce((sum, { shape: [rows = 0] }) => sum + rows, 0);
  const shape = [rowCount, wanted[0]?.shape[1] ?? 0];
  if (!isSameLayout(tensor.shape, shape)) {
    const is = `tensor ${quoted(storedName)} has shape [${tensor.shape.join(', ')}]`;
    const allowed = `the rows of ${wanted.map((one) => one.name.split('.')[2]).join(', ')} make [${shape.join(', ')}]`;
    const next = 'Metadata and weights are probably of different models';
    throw new RefuteError({ code: 'E_MODEL_SHAPE', place: path, is, allowed, next });
  }
  const rowBytes = byteLength === null ? null : byteLength / rowCount;
  let firstRow = 0;
  return wanted.map((own) => {
    const [rows = 0, columns = 0] = own.shape;
    const byteOffset = firstRow * (rowBytes ?? 0);
    firstRow += rows;
    return {
      tensor: {
        ...tensor,
        ...own,
        storedName,
        elementCount: rows * columns,
        byteOffset: tensor.byteOffset + byteOffset,
        byteLength: rowBytes === null ? null : rows * rowBytes,
      },
      whole: name,
      byteOffset,
    };
  });
}

function withPieces(path: string, weights: WeightSource, pieces: ReadonlyMap<WeightName, Piece>): WeightSource {
  return {
    info(name) {
      const piece = pieces.get(name);
      if (piece === undefined) return weights.info(name);
      const whole = weights.info(piece.whole);
      const { shape, byteLength } = piece.tensor;
      return whole === undefined ? undefined : { name, type: whole.type, shape, byteLength: byteLength ?? 0 };
    },
    async read(name, byteOffset, into) {
      const piece = pieces.get(name);
      if (piece === undefined) return weights.read(name, byteOffset, into);
      checkTensorRange(path, piece.tensor, byteOffset, into);
      return weights.read(piece.whole, piece.byteOffset + byteOffset, into);
    },
  };
}
