// From an op to dispatches of its kernels: pipelines, bind groups and everything that does not depend on the position are made
// once, when a session opens.
import type { AttentionOp, Op, RopeParameters, ValueId, WeightName } from '../engine/program/program.ts';
import { RefuteError } from '../errors.ts';
import type { TensorTypeName } from '../engine/formats/tensor-types.ts';
import { paramBytes, type GpuDevice } from './device.ts';
import type { ShaderName } from './shader.ts';
import type { GpuWeight, WeightPart } from './weights.ts';

/** Workgroups in each direction for so many rows. */
type Grid = (rowCount: number) => readonly [number, number, number];

interface Dispatch {
  pipeline: GPUComputePipeline;
  /** Of all rows of the chunk, or of the last alone: the two differ in the place that they are told. */
  bindGroups: { all: GPUBindGroup; last: GPUBindGroup };
  grid: Grid;
}

/** What an op needs to know about where its values are. */
export interface OpSite {
  gpu: GpuDevice;
  /** The two places, of which each op is told one. */
  places: { all: GPUBufferBinding; last: GPUBufferBinding };
  /** Puts what an op is told once and for all where a kernel can read it. */
  storeParams: (bytes: ArrayBuffer) => GPUBufferBinding;
  tokens: GPUBuffer;
  bufferOf: (value: ValueId) => GPUBuffer;
  channelsOf: (value: ValueId) => number;
  weightOf: (name: WeightName) => GpuWeight;
  vectorOf: (name: WeightName) => GPUBuffer;
  cacheOf: (op: AttentionOp) => { keys: GPUBuffer; values: GPUBuffer };
  ropeTableOf: (rope: RopeParameters) => GPUBuffer;
}

/** From so many positions on, a product is made tile by tile. */
const TILED_FROM = 8;
const THREADS = 64;
const MATVEC_ROWS = 4;
const TILE = 32;
/** Eight channels a thread (attention.wgsl). */
const MAX_HEAD_DIM = 8 * THREADS;
/** Of workgroups in one direction, by the specification. */
const MAX_GROUPS = 65_535;

/** One dispatch after the other; `few` and `many`: the first for few rows, the second for many. */
export type BoundOp = { few: readonly Dispatch[]; many: readonly Dispatch[] };

export async function bindOp(op: Op, site: OpSite): Promise<BoundOp> {
  const both = (dispatches: readonly Dispatch[]): BoundOp => ({ few: dispatches, many: dispatches });
  const { bufferOf, channelsOf, vectorOf } = site;
  const out = bufferOf(op.out);
  const channels = channelsOf(op.out);
  const elementwise = async (
    shader: ShaderName,
    inputs: readonly GPUBuffer[],
    params: Record<string, number> = {},
  ): Promise<BoundOp> =>
    both([await dispatch(site, shader, [out, ...inputs], { params: { channels, ...params } }, perElement(channels))]);

  switch (op.op) {
    case 'embed':
      return both(await bindEmbed(op, site));
    case 'matmul':
      return { few: await bindProduct('matvec', op, site), many: await bindProduct('matmul', op, site) };
    case 'attention':
      return both(await bindAttention(op, site));
    case 'rmsnorm': {
      const heads = op.headCount ?? 1;
      const params = { heads, head_channels: channels / heads, eps: op.eps, gain_offset: op.gainOffset ?? 0 };
      const buffers = [out, vectorOf(op.weight), bufferOf(op.in)];
      return both([await dispatch(site, 'rmsnorm', buffers, { params }, (rows) => [heads, rows, 1])]);
    }
    case 'addBias':
      return elementwise('add_bias', [vectorOf(op.weight), bufferOf(op.in)]);
    case 'rope': {
      const { rotaryDim, pairing } = op.rope;
      const params = { head_dim: op.headDim, rotary_dim: rotaryDim, is_neox: pairing === 'neox' ? 1 : 0 };
      return elementwise('rope', [site.ropeTableOf(op.rope), bufferOf(op.in)], params);
    }
    case 'silu':
    case 'gelu':
      return elementwise(op.op, [bufferOf(op.in)]);
    case 'scale':
      return elementwise('scale', [bufferOf(op.in)], { factor: op.factor });
    case 'softcap':
      return elementwise('softcap', [bufferOf(op.in)], { cap: op.cap });
    case 'mul':
    case 'add':
      return elementwise(op.op, [bufferOf(op.a), bufferOf(op.b)]);
    case 'moeSelect': {
      const params = { experts: channelsOf(op.in), used: channels };
      return both([await dispatch(site, 'moe_select', [out, bufferOf(op.in)], { params }, perRow)]);
    }
    case 'moeRoute': {
      const params = { experts: channelsOf(op.in), used: channels, is_renormalised: op.isRenormalised ? 1 : 0 };
      const buffers = [out, bufferOf(op.experts), bufferOf(op.in)];
      return both([await dispatch(site, 'moe_route', buffers, { params }, perRow)]);
    }
    case 'moeSum':
      return elementwise('moe_sum', [bufferOf(op.shares), bufferOf(op.in)], { used: channelsOf(op.shares) });
    case 'expertMatmul':
      return both(await bindExperts(op, site));
  }
}

interface Told {
  /** Of stored weights. */
  type?: TensorTypeName;
  params: Readonly<Record<string, number>>;
}

async function dispatch(
  { gpu, places, storeParams }: OpSite,
  shader: ShaderName,
  buffers: readonly GPUBuffer[],
  { type, params }: Told,
  grid: Grid,
): Promise<Dispatch> {
  const kernel = await gpu.kernel(shader, type);
  const layout = kernel.pipeline.getBindGroupLayout(0);
  const told = storeParams(paramBytes(kernel, params));
  const group = (place: GPUBufferBinding): GPUBindGroup => {
    const resources = [place, told, ...buffers.map((buffer) => ({ buffer }))];
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    return gpu.device.createBindGroup({ label: shader, layout, entries });
  };
  return { pipeline: kernel.pipeline, bindGroups: { all: group(places.all), last: group(places.last) }, grid };
}

async function bindEmbed(op: Extract<Op, { op: 'embed' }>, site: OpSite): Promise<Dispatch[]> {
  const weight = site.weightOf(op.weight);
  const out = site.bufferOf(op.out);
  const groups = Math.ceil(weight.columns / (16 * THREADS));
  return Promise.all(
    weight.parts.map((part) =>
      dispatch(site, 'embed', [out, part.buffer, site.tokens], ofPart(weight, part), (rows) => [groups, rows, 1]),
    ),
  );
}

async function bindProduct(
  shader: 'matvec' | 'matmul',
  op: Extract<Op, { op: 'matmul' }>,
  site: OpSite,
): Promise<Dispatch[]> {
  const weight = site.weightOf(op.weight);
  const [out, x] = [site.bufferOf(op.out), site.bufferOf(op.in)];
  const [rowsAtOnce, positions] = shader === 'matvec' ? [MATVEC_ROWS, 1] : [TILE, TILE];
  return Promise.all(
    weight.parts.map((part) => {
      const options = ofPart(weight, part, { out_channels: site.channelsOf(op.out) });
      const groups = folded(Math.ceil(part.rowCount / rowsAtOnce));
      return dispatch(site, shader, [out, part.buffer, x], options, (rows) => [...groups, Math.ceil(rows / positions)]);
    }),
  );
}

async function bindExperts(op: Extract<Op, { op: 'expertMatmul' }>, site: OpSite): Promise<Dispatch[]> {
  const weight = site.weightOf(op.weight);
  const used = site.channelsOf(op.experts);
  const rows = site.channelsOf(op.out) / used;
  const buffers = (part: WeightPart): GPUBuffer[] => [
    site.bufferOf(op.out),
    part.buffer,
    site.bufferOf(op.experts),
    site.bufferOf(op.in),
  ];
  return Promise.all(
    weight.parts.map((part) => {
      const params = {
        columns: weight.columns,
        first_expert: part.firstRow / rows,
        experts: part.rowCount / rows,
        rows,
        used,
        is_per_slot: site.channelsOf(op.in) === weight.columns ? 0 : 1,
      };
      const options = { type: weight.type, params };
      return dispatch(site, 'expert_matvec', buffers(part), options, (positions) => [
        Math.ceil(rows / MATVEC_ROWS),
        used,
        positions,
      ]);
    }),
  );
}

async function bindAttention(op: AttentionOp, site: OpSite): Promise<Dispatch[]> {
  const { headCount, kvHeadCount, headDim, scale } = op;
  if (headDim > MAX_HEAD_DIM) {
    const is = `heads of layer ${op.layer} have ${headDim} channels`;
    const allowed = `its attention takes ${MAX_HEAD_DIM}`;
    throw new RefuteError({ code: 'E_GPU_HEAD', place: 'webgpu', is, allowed, next: 'Use --engine cpu' });
  }
  const { keys, values } = site.cacheOf(op);
  const channels = kvHeadCount * headDim;
  const append = (cache: GPUBuffer, from: ValueId): Promise<Dispatch> =>
    dispatch(site, 'append', [cache, site.bufferOf(from)], { params: { channels } }, perElement(channels));
  const params = {
    heads: headCount,
    kv_heads: kvHeadCount,
    head_dim: headDim,
    scale,
    window: op.window ?? 0,
    cap: op.softcap ?? 0,
  };
  const buffers = [site.bufferOf(op.out), site.bufferOf(op.q), keys, values];
  return [
    await append(keys, op.k),
    await append(values, op.v),
    await dispatch(site, 'attention', buffers, { params }, (rows) => [headCount, rows, 1]),
  ];
}

function ofPart(weight: GpuWeight, part: WeightPart, params: Record<string, number> = {}): Told {
  const own = { columns: weight.columns, first_weight_row: part.firstRow, weight_rows: part.rowCount };
  return { type: weight.type, params: { ...own, ...params } };
}

function perElement(channels: number): Grid {
  return (rows) => [...folded(Math.ceil((rows * channels) / THREADS)), 1];
}

function perRow(rows: number): readonly [number, number, number] {
  return [Math.ceil(rows / THREADS), 1, 1];
}

/** So many workgroups, or a few more, in two directions. */
function folded(count: number): [number, number] {
  const lines = Math.ceil(count / MAX_GROUPS);
  return [Math.ceil(count / lines), lines];
}

export function isMany(rowCount: number): boolean {
  return rowCount >= TILED_FROM;
}
