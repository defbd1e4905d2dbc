// One op to dispatches, a value in and a value out: what serves many positions at a time, and ops that no fused kernel knows.
import type { AttentionOp, Op, RopeParameters, ValueId, WeightName } from '../engine/program/program.ts';
import { RefuteError } from '../errors.ts';
import { quadsOf } from './buffer-plan.ts';
import {
  dispatch,
  folded,
  perRow,
  THREADS,
  type Dispatch,
  type DispatchSite,
  type Grid,
  type Placed,
} from './dispatch.ts';
import { UNIT_COLUMNS } from './planes.ts';
import type { ShaderName } from './shaders.ts';
import type { GpuWeight, WeightPart } from './weights.ts';

/** What an op needs to know about where its values are. */
export interface OpSite extends DispatchSite {
  tokens: GPUBuffer;
  placed: (value: ValueId) => Placed;
  channelsOf: (value: ValueId) => number;
  weightOf: (name: WeightName) => GpuWeight;
  vectors: GPUBuffer;
  vectorAt: (name: WeightName) => number;
  cacheOf: (op: AttentionOp) => { keys: GPUBuffer; values: GPUBuffer };
  ropeTableOf: (rope: RopeParameters) => GPUBuffer;
}

/** That a product for many makes at once (wgsl/matmul.wgsl). */
const POSITIONS = 8;
const GROUP = 4;
/** Of what a workgroup holds at once (wgsl/attend.wgsl). */
const MAX_HEAD_DIM = 512;
/** Rows and channels of a head that a workgroup of attention makes at once (wgsl/attention.wgsl). */
const ATTENTION_ROWS = 16;
const ATTENTION_CHANNELS = 128;

export async function bindOp(op: Op, site: OpSite): Promise<readonly Dispatch[]> {
  const { placed, channelsOf, vectors, vectorAt } = site;
  const out = placed(op.out);
  const channels = channelsOf(op.out);
  const elementwise = async (
    shader: ShaderName,
    buffers: Readonly<Record<string, GPUBuffer | Placed>>,
    params: Record<string, number> = {},
  ): Promise<readonly Dispatch[]> => {
    const quads = quadsOf(channels);
    return [
      await dispatch(site, shader, { buffers: { out, ...buffers }, params: { quads, ...params }, grid: perRow(quads) }),
    ];
  };

  switch (op.op) {
    case 'embed':
      return bindEmbed(op, site);
    case 'matmul':
      return bindMatmul(op, site);
    case 'attention':
      return bindAttention(op, site);
    case 'rmsnorm': {
      const heads = op.headCount ?? 1;
      const { eps, gainOffset = 0 } = op;
      const params = {
        heads,
        head_channels: channels / heads,
        eps,
        gain_offset: gainOffset,
        gain_at: vectorAt(op.weight),
      };
      const buffers = { out, vectors, x: placed(op.in) };
      return [await dispatch(site, 'rmsnorm', { buffers, params, grid: ({ rowCount }) => [heads, rowCount, 1] })];
    }
    case 'addBias':
      return elementwise('add_bias', { vectors, x: placed(op.in) }, { bias_at: vectorAt(op.weight) });
    case 'rope': {
      const { rotaryDim, pairing } = op.rope;
      const params = { channels, head_dim: op.headDim, rotary_dim: rotaryDim, is_neox: pairing === 'neox' ? 1 : 0 };
      return elementwise('rope', { table: site.ropeTableOf(op.rope), x: placed(op.in) }, params);
    }
    case 'silu':
    case 'gelu':
      return elementwise(op.op, { x: placed(op.in) });
    case 'scale':
      return elementwise('scale', { x: placed(op.in) }, { factor: op.factor });
    case 'softcap':
      return elementwise('softcap', { x: placed(op.in) }, { cap: op.cap });
    case 'mul':
    case 'add':
      return elementwise(op.op, { a: placed(op.a), b: placed(op.b) });
    case 'moeSelect': {
      const params = { experts: channelsOf(op.in), used: channels };
      return [await dispatch(site, 'moe_select', { buffers: { ids: out, x: placed(op.in) }, params, grid: perRow(1) })];
    }
    case 'moeRoute': {
      const params = { experts: channelsOf(op.in), used: channels, is_renormalised: op.isRenormalised ? 1 : 0 };
      const buffers = { ids: placed(op.experts), shares: out, x: placed(op.in) };
      return [await dispatch(site, 'moe_route', { buffers, params, grid: perRow(1) })];
    }
    case 'moeSum':
      return elementwise(
        'moe_sum',
        { shares: placed(op.shares), x: placed(op.in) },
        { channels, used: channelsOf(op.shares) },
      );
    case 'expertMatmul':
      return bindExperts(op, site);
  }
}

/** What every kernel over stored weights is told of them. */
export function weightParams({ units }: GpuWeight, { planes }: WeightPart): Record<string, number> {
  return { units, plane_1: planes[0] ?? 0, plane_2: planes[1] ?? 0 };
}

/** The part of a value that a part of its weight makes. */
export function placedPart(out: Placed, { firstRow }: WeightPart): Placed {
  return { ...out, at: out.at + firstRow / GROUP };
}

async function bindEmbed(op: Extract<Op, { op: 'embed' }>, site: OpSite): Promise<Dispatch[]> {
  const weight = site.weightOf(op.weight);
  const out = site.placed(op.out);
  const groups = Math.ceil(weight.units / THREADS);
  const grid: Grid = ({ rowCount }) => [groups, rowCount, 1];
  return Promise.all(
    weight.parts.map((part) => {
      const rows = { first_weight_row: part.firstRow, weight_rows: part.rowCount };
      const params = { ...weightParams(weight, part), ...rows, quads: quadsOf(weight.columns) };
      const buffers = { out, quads: part.buffer, words: part.buffer, tokens: site.tokens };
      return dispatch(site, 'embed', { types: [weight.type], buffers, params, grid });
    }),
  );
}

async function bindMatmul(op: Extract<Op, { op: 'matmul' }>, site: OpSite): Promise<Dispatch[]> {
  const weight = site.weightOf(op.weight);
  const { rowStep, rowShift } = weight;
  return Promise.all(
    weight.parts.map((part) => {
      const buffers = {
        out: placedPart(site.placed(op.out), part),
        quads: part.buffer,
        words: part.buffer,
        x: site.placed(op.in),
      };
      const own = { row_step: rowStep, row_shift: rowShift, rows: part.rowCount, quads: quadsOf(weight.columns) };
      const groups = folded(Math.ceil(part.rowCount / GROUP / clusters(site)));
      const grid: Grid = ({ rowCount }) => [...groups, Math.ceil(rowCount / POSITIONS)];
      return dispatch(site, 'matmul', {
        types: [weight.type],
        buffers,
        params: { ...weightParams(weight, part), ...own },
        constants: { IS_WHOLE: isWhole(weight.columns) },
        grid,
      });
    }),
  );
}

async function bindExperts(op: Extract<Op, { op: 'expertMatmul' }>, site: OpSite): Promise<Dispatch[]> {
  const weight = site.weightOf(op.weight);
  const { rows, rowStep, rowShift, columns } = weight;
  const used = site.channelsOf(op.experts);
  const groups = Math.ceil(rows / GROUP / clusters(site));
  const grid: Grid = ({ rowCount }) => [groups, used, rowCount];
  return Promise.all(
    weight.parts.map((part) => {
      const params = {
        ...weightParams(weight, part),
        row_step: rowStep,
        row_shift: rowShift,
        first_expert: part.firstRow / rows,
        experts: part.rowCount / rows,
        rows,
        stored_rows: site.channelsOf(op.out) / used,
        used,
        is_per_slot: site.channelsOf(op.in) === columns ? 0 : 1,
        channels: columns,
      };
      const buffers = {
        out: site.placed(op.out),
        quads: part.buffer,
        words: part.buffer,
        ids: site.placed(op.experts),
        x: site.placed(op.in),
      };
      return dispatch(site, 'experts', { types: [weight.type], buffers, params, grid });
    }),
  );
}

/** Whether a row has whole units, so that no kernel looks beyond it. */
export function isWhole(columns: number): boolean {
  return columns % UNIT_COLUMNS === 0;
}

/** Groups of four rows that a workgroup makes at once. */
export function clusters({ gpu }: DispatchSite): number {
  return THREADS / gpu.lanes.count;
}

async function bindAttention(op: AttentionOp, site: OpSite): Promise<Dispatch[]> {
  const { headCount, kvHeadCount, headDim } = op;
  assertHeads(op);
  const { keys, values } = site.cacheOf(op);
  const append = (out: GPUBuffer, x: ValueId): Promise<Dispatch> => {
    const params = { heads: kvHeadCount, head_dim: headDim };
    return dispatch(site, 'append', {
      buffers: { out, x: site.placed(x) },
      params,
      grid: perRow(kvHeadCount * quadsOf(headDim)),
    });
  };
  const params = attentionParams(op);
  const buffers = { out: site.placed(op.out), q: site.placed(op.q), keys, values };
  return [
    await append(keys, op.k),
    await append(values, op.v),
    await dispatch(site, 'attention', {
      buffers,
      params,
      grid: ({ rowCount }) => [
        headCount,
        Math.ceil(rowCount / ATTENTION_ROWS),
        Math.ceil(headDim / ATTENTION_CHANNELS),
      ],
    }),
  ];
}

export function attentionParams(op: AttentionOp): Record<string, number> {
  const { headCount, kvHeadCount, headDim, scale, window, softcap } = op;
  return { heads: headCount, kv_heads: kvHeadCount, head_dim: headDim, scale, window: window ?? 0, cap: softcap ?? 0 };
}

/** @throws RefuteError E_GPU_HEAD */
export function assertHeads({ headDim, layer }: AttentionOp): void {
  if (headDim <= MAX_HEAD_DIM) return;
  const is = `heads of layer ${layer} have ${headDim} channels`;
  const allowed = `its attention takes ${MAX_HEAD_DIM}`;
  throw new RefuteError({ code: 'E_GPU_HEAD', place: 'webgpu', is, allowed, next: 'Use --engine cpu' });
}

/** Positions of a sequence are cached in rows of a whole number of quads a head. */
export function cacheBytes({ kvHeadCount, headDim }: AttentionOp, contextLength: number): number {
  return 16 * quadsOf(headDim) * kvHeadCount * contextLength;
}
