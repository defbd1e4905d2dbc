// One layer's attention as the kernels get it, with random data: rows of q, k and v, a cache, gains, a table of angles; and what the
// float64 formulas make of the same numbers, with the budget that the local check allows a WebGPU engine.
import { attentionJudgement } from '../../src/diagnosis/ops/attention.ts';
import type { OpReference } from '../../src/diagnosis/ops/judgement.ts';
import { rmsnormJudgement } from '../../src/diagnosis/ops/rmsnorm.ts';
import { ropeJudgement } from '../../src/diagnosis/ops/rope.ts';
import { arithmeticOf } from '../../src/diagnosis/reference/arithmetic.ts';
import type { Op, RopePairing } from '../../src/engine/program/program.ts';
import type { GpuDevice } from '../../src/gpu/device.ts';
import { WEBGPU_PROFILE } from '../../src/gpu/webgpu-profile.ts';
import { attention } from '../../src/oracles/float64/ops/attention.ts';
import { ropeFrequencies } from '../../src/oracles/float64/ops/rope-frequencies.ts';
import { rmsnorm } from '../../src/oracles/float64/ops/rmsnorm.ts';
import { rope } from '../../src/oracles/float64/ops/rope.ts';
import { randomFloats } from '../cases/random-blocks.ts';
import { packRows, runKernel, unpackRows } from './run-kernel.ts';

export interface Shape {
  heads: number;
  kvHeads: number;
  headDim: number;
  window?: number;
  cap?: number;
  hasNorm?: boolean;
  rope?: { pairing: RopePairing; rotaryDim: number };
}

export type Data = Float32Array<ArrayBuffer>;

const EPS = 1e-5;
const GAIN_OFFSET = 1;
const NONE = 0xffff_ffff;
const arithmetic = arithmeticOf(WEBGPU_PROFILE);
const doubles = (data: Float32Array): Float64Array => Float64Array.from(data);
const quadsOf = (channels: number): number => Math.ceil(channels / 4);
const unwritten = (length: number): Data => new Float32Array(length).fill(Number.NaN);

function scaleOf({ headDim }: Shape): number {
  return Math.fround(1 / Math.sqrt(headDim));
}

/** Random rows, so that scores spread over a few units and differ between neighbours. */
export function randomRows(seed: number, rows: number, heads: number, headDim: number): Data {
  return randomFloats(seed, rows * heads * headDim, 1.5);
}

/** [positions, kv_heads · head_dim] as the cache has it. */
function cacheOf(rows: Data, { kvHeads, headDim }: Shape): Data {
  return packRows(rows, { rows: rows.length / headDim, channels: headDim }).slice(
    0,
    (rows.length / headDim / kvHeads) * kvHeads * 4 * quadsOf(headDim),
  );
}

export interface DecodeInputs {
  position: number;
  /** [heads · head_dim], and twice [kv_heads · head_dim]: of the present position. */
  q: Data;
  k: Data;
  v: Data;
  /** [position, kv_heads · head_dim]: of those before it. */
  keys: Data;
  values: Data;
}

export function decodeInputs({ heads, kvHeads, headDim }: Shape, position: number, seed = 1): DecodeInputs {
  const rows = (i: number, count: number, of: number): Data => randomRows(10 * seed + i, count, of, headDim);
  return {
    position,
    q: rows(0, 1, heads),
    k: rows(1, 1, kvHeads),
    v: rows(2, 1, kvHeads),
    keys: rows(3, position, kvHeads),
    values: rows(4, position, kvHeads),
  };
}

export interface Decoded {
  out: Data;
  /** Of every position, the present one included. */
  keys: Data;
  values: Data;
  /** What the kernel wrote of the values in between; null where nothing was asked for. */
  inner: { qNorm: Data | null; kNorm: Data | null; qRope: Data | null; kRope: Data | null } | null;
}

/** `attend`, then `combine`, on buffers in which everything that is not an input is NaN. */
export async function decode(gpu: GpuDevice, shape: Shape, inputs: DecodeInputs, isTapped = false): Promise<Decoded> {
  const { heads, kvHeads, headDim, window = 0, cap = 0, hasNorm = false } = shape;
  const { position, q, k, v } = inputs;
  const [wide, narrow, quads] = [quadsOf(heads * headDim), quadsOf(kvHeads * headDim), quadsOf(headDim)];
  // Values are a four apart, so that a read beside one is seen.
  const [qAt, kAt, vAt] = [1, wide + 2, wide + narrow + 3];
  const qkv = unwritten(4 * (vAt + narrow));
  for (const [at, row] of [
    [qAt, q],
    [kAt, k],
    [vAt, v],
  ] as const)
    qkv.set(packRows(row, { rows: 1, channels: row.length }), 4 * at);
  const [qNormAt, qRopeAt, kNormAt, kRopeAt] = [1, wide + 2, 2 * wide + 3, 2 * wide + narrow + 4];
  const pairs = shape.rope?.rotaryDim ?? 0;
  const firstSplit = Math.floor((window === 0 ? 0 : Math.max(0, position - window + 1)) / 64);
  const splits = Math.floor(position / 64) - firstSplit + 1;
  const width = 4 * kvHeads * quads;
  const cache = (rows: Data): Data => {
    const all = unwritten((position + 1) * width);
    all.set(position === 0 ? [] : cacheOf(rows, shape));
    return all;
  };
  const place = { firstPosition: position, isTapped };
  const attended = await runKernel(gpu, {
    kernel: 'attend',
    place,
    grid: [heads, splits],
    params: {
      heads,
      kv_heads: kvHeads,
      head_dim: headDim,
      scale: scaleOf(shape),
      window,
      cap,
      q_at: qAt,
      k_at: kAt,
      v_at: vAt,
      q_gain_at: hasNorm ? 1 : NONE,
      k_gain_at: hasNorm ? quads + 2 : NONE,
      eps: EPS,
      gain_offset: GAIN_OFFSET,
      rotary_dim: pairs,
      is_neox: Number(shape.rope?.pairing === 'neox'),
      q_norm_at: qNormAt,
      k_norm_at: kNormAt,
      q_rope_at: qRopeAt,
      k_rope_at: kRopeAt,
    },
    buffers: {
      qkv,
      vectors: hasNorm ? gainVectors(shape) : unwritten(4),
      table: pairs === 0 ? unwritten(4) : angleTable(shape, position),
      keys: cache(inputs.keys),
      values: cache(inputs.values),
      inner: unwritten(4 * (2 * wide + 2 * narrow + 4)),
      partial: unwritten(splits * heads * 4 * (quads + 1)),
    },
  });
  const { out } = await runKernel(gpu, {
    kernel: 'combine',
    place,
    grid: [heads],
    params: { heads, head_dim: headDim, window, out_at: 1 },
    buffers: { partial: attended.partial, out: unwritten(4 * (1 + wide)) },
  });
  const value = (at: number, of: number, isThere: boolean): Data | null =>
    isThere ? unpackRows(attended.inner, { rows: 1, channels: of * headDim, at }) : null;
  if (!isTapped && attended.inner.some((word) => !Number.isNaN(word))) throw new Error('untapped values are written');
  return {
    out: unpackRows(out, { rows: 1, channels: heads * headDim, at: 1 }),
    keys: unpackRows(attended.keys, { rows: (position + 1) * kvHeads, channels: headDim }),
    values: unpackRows(attended.values, { rows: (position + 1) * kvHeads, channels: headDim }),
    inner: isTapped
      ? {
          qNorm: value(qNormAt, heads, hasNorm),
          kNorm: value(kNormAt, kvHeads, hasNorm),
          qRope: value(qRopeAt, heads, pairs > 0),
          kRope: value(kRopeAt, kvHeads, pairs > 0),
        }
      : null,
  };
}

export interface Rows {
  /** Rows of the chunk before those that are computed: the chunk is longer than what one dispatch makes. */
  firstRow: number;
  /** Of row 0 of the chunk. */
  firstPosition: number;
  rowCount: number;
}

/**
 * `append` of keys and values, then `attention`, on buffers in which everything that is not an input is NaN.
 *
 * @param q [rowCount, heads · head_dim]
 * @param keys [positions, kv_heads · head_dim] up to the last row; the rows' own are appended, the others in the cache
 */
export async function prefill(
  gpu: GpuDevice,
  shape: Shape,
  at: Rows,
  q: Data,
  keys: Data,
  values: Data,
): Promise<Data> {
  const { heads, kvHeads, headDim, window = 0, cap = 0 } = shape;
  const { firstRow, firstPosition, rowCount } = at;
  const first = firstPosition + firstRow;
  const [wide, narrow] = [heads * headDim, kvHeads * headDim];
  const appended = async (rows: Data): Promise<Data> => {
    const layout = {
      rows: rowCount,
      channels: narrow,
      stride: quadsOf(narrow) + 1,
      at: 1 + firstRow * (quadsOf(narrow) + 1),
    };
    const cache = unwritten((rows.length / headDim) * 4 * quadsOf(headDim));
    if (first > 0) cache.set(cacheOf(rows.subarray(0, first * narrow), shape));
    const { out } = await runKernel(gpu, {
      kernel: 'append',
      place: at,
      grid: [Math.ceil((rowCount * kvHeads * quadsOf(headDim)) / 64)],
      params: { heads: kvHeads, head_dim: headDim, x_at: 1, x_stride: layout.stride },
      buffers: { x: packRows(rows.subarray(first * narrow), layout), out: cache },
    });
    return out;
  };
  const stride = quadsOf(wide) + 1;
  const layout = { rows: rowCount, channels: wide, stride, at: 1 + firstRow * stride };
  const { out } = await runKernel(gpu, {
    kernel: 'attention',
    place: at,
    grid: [heads, Math.ceil(rowCount / 16), Math.ceil(headDim / 128)],
    params: {
      heads,
      kv_heads: kvHeads,
      head_dim: headDim,
      scale: scaleOf(shape),
      window,
      cap,
      out_at: 1,
      out_stride: stride,
      q_at: 1,
      q_stride: stride,
    },
    buffers: {
      q: packRows(q, layout),
      keys: await appended(keys),
      values: await appended(values),
      out: unwritten(packRows([], layout).length),
    },
  });
  return unpackRows(out, layout);
}

/** What `attention` of the last rows should be. */
export function attentionReference(shape: Shape, q: Data, keys: Data, values: Data): OpReference {
  const { heads, kvHeads, headDim, window, cap } = shape;
  const op: Extract<Op, { op: 'attention' }> = {
    op: 'attention',
    q: 'q',
    k: 'k',
    v: 'v',
    out: 'out',
    layer: 0,
    headDim,
    headCount: heads,
    kvHeadCount: kvHeads,
    scale: scaleOf(shape),
    window: window ?? null,
    ...(cap === undefined ? {} : { softcap: cap }),
  };
  const cache = { keys: doubles(keys), values: doubles(values) };
  const inputs = [doubles(q)];
  const reference = attention(op, doubles(q), cache.keys, cache.values);
  const rowCount = q.length / heads / headDim;
  const given = { arithmetic, inputs, reference, rowCount, firstPosition: 0, isWeightRounded: false, cache };
  return attentionJudgement.budget(op, given);
}

/** What the norm of one row should be. */
export function normReference(shape: Shape, x: Data, which: 'q' | 'k'): OpReference {
  const gain = doubles(gains(shape, which));
  const headCount = x.length / shape.headDim;
  const reference = rmsnorm(
    doubles(x),
    gain.map((factor) => factor + GAIN_OFFSET),
    EPS,
  );
  const op: Extract<Op, { op: 'rmsnorm' }> = {
    op: 'rmsnorm',
    in: 'x',
    weight: 'gain',
    out: 'out',
    eps: EPS,
    headCount,
    gainOffset: GAIN_OFFSET,
  };
  const given = {
    arithmetic,
    inputs: [doubles(x)],
    reference,
    rowCount: 1,
    firstPosition: 0,
    isWeightRounded: false,
    gain,
  };
  return rmsnormJudgement.budget(op, given);
}

/** What the rope of one row should be. */
export function ropeReference(shape: Shape, x: Data, position: number): OpReference {
  const op: Extract<Op, { op: 'rope' }> = {
    op: 'rope',
    in: 'x',
    out: 'out',
    headCount: x.length / shape.headDim,
    headDim: shape.headDim,
    rope: ropeOf(shape),
  };
  const frequencies = ropeFrequencies(op.rope, null);
  const reference = rope(op, doubles(x), position, null);
  const given = {
    arithmetic,
    inputs: [doubles(x)],
    reference,
    rowCount: 1,
    firstPosition: position,
    isWeightRounded: false,
    frequencies,
  };
  return ropeJudgement.budget(op, given);
}

/** Largest error as a part of the expected budget; NaN is beyond every one. */
export function worstPart(actual: Float32Array, { reference, expected }: OpReference): number {
  if (actual.length !== reference.length) return Infinity;
  const parts = Array.from(actual, (value, i) => {
    const error = Math.abs(value - (reference[i] ?? Number.NaN));
    // What is copied has no budget and no error.
    return error === 0 ? 0 : error / (expected[i] ?? 0);
  });
  return parts.reduce((worst, part) => (part <= worst ? worst : Number.isNaN(part) ? Infinity : part), 0);
}

function ropeOf({ rope: of }: Shape): Extract<Op, { op: 'rope' }>['rope'] {
  return { theta: 10_000, rotaryDim: of?.rotaryDim ?? 0, pairing: of?.pairing ?? 'norm', scaling: { type: 'none' } };
}

/** [2, rotary_dim / 2], as the host makes it. */
function angleTable(shape: Shape, position: number): Data {
  const angles = [...ropeFrequencies(ropeOf(shape), null)].map((frequency) => position * frequency);
  return Float32Array.from([...angles.map(Math.cos), ...angles.map(Math.sin)]);
}

function gains({ headDim }: Shape, which: 'q' | 'k'): Data {
  return randomFloats(which === 'q' ? 91 : 92, headDim, 0.5);
}

/** Both, where the params say. */
function gainVectors(shape: Shape): Data {
  const rows = [...gains(shape, 'q'), ...gains(shape, 'k')];
  const quads = quadsOf(shape.headDim);
  return packRows(rows, { rows: 2, channels: shape.headDim, at: 1, stride: quads + 1 });
}
