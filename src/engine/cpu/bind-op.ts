// From an op to a call of its kernel: every pointer and dimension is looked up once, when a session opens, so that an
// op of a run costs one call into WebAssembly.
import type { Pointer } from './kernels/kernel-memory.ts';
import type { WeightInfo } from '../program/executor.ts';
import type { AttentionOp, Op, RopeParameters, ValueId, WeightName } from '../program/program.ts';
import { TENSOR_TYPES } from '../formats/tensor-types.ts';
import { residentWeight, type ResidentWeight } from './bank-plan.ts';
import type { Bank } from './bank.ts';
import { hasSilentRow } from './silent-rows.ts';

/** Runs an op on rows [firstRow, firstRow + rowCount) of the present chunk. */
export type RunRows = (firstRow: number, rowCount: number) => void;

/** The chunk that bound ops work on; the session moves it forward. */
export interface ChunkPlace {
  tokens: readonly number[];
  /** Index in `tokens`, and position in the sequence, of the chunk's row 0. */
  firstToken: number;
  firstPosition: number;
  /** The first norm with a silent row, in any chunk so far. */
  suspect: ValueId | null;
}

const SMALLEST_NORMAL_F32 = 2 ** -126;

export interface Cache {
  keys: Pointer;
  values: Pointer;
  capacity: number;
}

/** What an op needs to know about the bank in which it runs. */
export interface OpSite {
  bank: Bank;
  chunk: ChunkPlace;
  /** For kernels that ask for scratch: at least `scratchByteLength` of the bank. */
  scratch: Pointer;
  readonly bufferOf: (value: ValueId) => Pointer;
  readonly channelsOf: (value: ValueId) => number;
  readonly infoOf: (weight: WeightName) => WeightInfo;
  readonly cacheOf: (op: AttentionOp) => Cache;
  /** Table of the chunk's positions. */
  readonly ropeTableOf: (rope: RopeParameters) => Pointer;
}

export function bindOp(op: Op, site: OpSite): RunRows {
  const { bank, bufferOf, chunk } = site;
  const { ops } = bank;
  const out = bufferOf(op.out);
  const channels = site.channelsOf(op.out);
  switch (op.op) {
    case 'embed':
      return bindEmbed(op, site);
    case 'matmul':
      return bindMatmul(op, site);
    case 'attention':
      return bindAttention(op, site);
    case 'rmsnorm': {
      const [x, gain] = [bufferOf(op.in), pointerOf(bank, residentWeight(op))];
      const heads = op.headCount ?? 1;
      // Beside such an eps, squares that underflow count.
      const hasTinyEps = Math.fround(op.eps) < SMALLEST_NORMAL_F32;
      return (row, count) => {
        const at = 4 * row * channels;
        ops.rmsnorm(out + at, x + at, gain, op.eps, channels / heads, count * heads);
        if (chunk.suspect !== null) return;
        const rowsOf = (from: Pointer): Float32Array => bank.memory.floats(from + at, count * channels);
        if (hasTinyEps || hasSilentRow(rowsOf(out), rowsOf(x), channels / heads)) chunk.suspect = op.out;
      };
    }
    case 'addBias': {
      const [x, bias] = [bufferOf(op.in), pointerOf(bank, residentWeight(op))];
      return (row, count) => {
        const at = 4 * row * channels;
        ops.addBias(out + at, x + at, bias, channels, count);
      };
    }
    case 'rope': {
      const [x, table] = [bufferOf(op.in), site.ropeTableOf(op.rope)];
      const { rotaryDim, pairing } = op.rope;
      return (row, count) => {
        const at = 4 * row * channels;
        const angles = table + 4 * row * rotaryDim;
        ops.rope(out + at, x + at, angles, count, op.headCount, op.headDim, rotaryDim, pairing === 'neox');
      };
    }
    case 'silu':
    case 'gelu': {
      const [x, apply] = [bufferOf(op.in), ops[op.op]];
      return (row, count) => {
        const at = 4 * row * channels;
        apply(out + at, x + at, count * channels);
      };
    }
    case 'scale':
    case 'softcap': {
      const [x, apply, number] = [bufferOf(op.in), ops[op.op], op.op === 'scale' ? op.factor : op.cap];
      return (row, count) => {
        const at = 4 * row * channels;
        apply(out + at, x + at, number, count * channels);
      };
    }
    case 'moeSelect':
    case 'moeRoute':
    case 'moeSum':
      return bindRouting(op, site);
    case 'expertMatmul':
      return bindExpertMatmul(op, site);
    case 'mul':
    case 'add': {
      const [a, b, combine] = [bufferOf(op.a), bufferOf(op.b), ops[op.op]];
      return (row, count) => {
        const at = 4 * row * channels;
        combine(out + at, a + at, b + at, count * channels);
      };
    }
  }
}

function bindEmbed(op: Extract<Op, { op: 'embed' }>, { bank, chunk, bufferOf, channelsOf, infoOf }: OpSite): RunRows {
  const { type } = infoOf(op.weight);
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  const { dequantize } = bank.matmulOf(type);
  const [out, channels, weights] = [bufferOf(op.out), channelsOf(op.out), pointerOf(bank, residentWeight(op))];
  const blockCount = channels / blockElements;
  return (firstRow, rowCount) => {
    for (let row = firstRow; row < firstRow + rowCount; row++) {
      const token = chunk.tokens[chunk.firstToken + row] ?? 0;
      dequantize(weights + token * blockCount * blockBytes, out + 4 * row * channels, blockCount);
    }
  };
}

function bindMatmul(op: Extract<Op, { op: 'matmul' }>, site: OpSite): RunRows {
  const { bank, bufferOf, channelsOf, scratch } = site;
  const { matmul } = bank.matmulOf(site.infoOf(op.weight).type);
  const [out, x, weights] = [bufferOf(op.out), bufferOf(op.in), pointerOf(bank, residentWeight(op))];
  const [rows, columns] = [channelsOf(op.out), channelsOf(op.in)];
  return (row, count) => {
    matmul(out + 4 * row * rows, rows, x + 4 * row * columns, weights, rows, columns, count, scratch);
  };
}

type RoutingOp = Extract<Op, { op: 'moeSelect' | 'moeRoute' | 'moeSum' }>;

function bindRouting(op: RoutingOp, { bank, bufferOf, channelsOf }: OpSite): RunRows {
  const { ops } = bank;
  const [out, x] = [bufferOf(op.out), bufferOf(op.in)];
  const [channels, width] = [channelsOf(op.out), channelsOf(op.in)];
  const pointers = (row: number): [Pointer, Pointer] => [out + 4 * row * channels, x + 4 * row * width];
  if (op.op === 'moeSelect') return (row, count) => ops.moeSelect(...pointers(row), count, width, channels);
  if (op.op === 'moeSum') {
    const [shares, usedCount] = [bufferOf(op.shares), channelsOf(op.shares)];
    return (row, count) => ops.moeSum(...pointers(row), shares + 4 * row * usedCount, count, usedCount, channels);
  }
  const experts = bufferOf(op.experts);
  return (row, count) => {
    ops.moeRoute(...pointers(row), experts + 4 * row * channels, count, width, channels, op.isRenormalised);
  };
}

/** Slot by slot, so that an expert's weights are read where they lie; rows of one expert are not gathered. */
function bindExpertMatmul(op: Extract<Op, { op: 'expertMatmul' }>, site: OpSite): RunRows {
  const { bank, bufferOf, channelsOf, scratch } = site;
  const { type, byteLength, shape } = site.infoOf(op.weight);
  const { matmul } = bank.matmulOf(type);
  const [out, x, experts, weights] = [
    bufferOf(op.out),
    bufferOf(op.in),
    bufferOf(op.experts),
    pointerOf(bank, residentWeight(op)),
  ];
  const usedCount = channelsOf(op.experts);
  const [width, columns, rows] = [channelsOf(op.in), shape.at(-1) ?? 0, channelsOf(op.out) / usedCount];
  const sliceBytes = byteLength / op.expertCount;
  return (firstRow, rowCount) => {
    const ids = bank.memory.floats(experts + 4 * firstRow * usedCount, rowCount * usedCount);
    for (let i = 0; i < rowCount * usedCount; i++) {
      const slot = firstRow * usedCount + i;
      const input = x + 4 * (width === columns ? Math.floor(slot / usedCount) : slot) * columns;
      const expert = weights + (ids[i] ?? 0) * sliceBytes;
      matmul(out + 4 * slot * rows, rows, input, expert, rows, columns, 1, scratch);
    }
  };
}

function bindAttention(op: AttentionOp, { bank, bufferOf, cacheOf, chunk, scratch }: OpSite): RunRows {
  const { append, attention } = bank.ops;
  const { headCount, kvHeadCount, headDim, scale } = op;
  const { keys, values, capacity } = cacheOf(op);
  const [q, k, v, out] = [bufferOf(op.q), bufferOf(op.k), bufferOf(op.v), bufferOf(op.out)];
  const [window, cap] = [op.window ?? 0, op.softcap ?? 0];
  return (row, count) => {
    const position = chunk.firstPosition + row;
    const kvAt = 4 * row * kvHeadCount * headDim;
    append(keys, k + kvAt, position, count, capacity, kvHeadCount, headDim);
    append(values, v + kvAt, position, count, capacity, kvHeadCount, headDim);
    const at = 4 * row * headCount * headDim;
    attention(
      out + at,
      q + at,
      keys,
      values,
      scratch,
      position,
      count,
      capacity,
      headCount,
      kvHeadCount,
      headDim,
      scale,
      window,
      cap,
    );
  };
}

function pointerOf(bank: Bank, weight: ResidentWeight | null): Pointer {
  return weight === null ? 0 : bank.pointerOf(weight);
}
