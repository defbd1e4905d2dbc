// One fused step to dispatches, for one position: few of them, because each costs the host tens of microseconds.
import type { ValueId } from '../engine/program/program.ts';
import {
  assertHeads,
  attentionParams,
  bindOp,
  clusters,
  isWhole,
  placedPart,
  weightParams,
  type OpSite,
} from './bind-op.ts';
import { quadsOf } from './buffer-plan.ts';
import { dispatch, folded, type Dispatch, type Grid } from './dispatch.ts';
import type {
  AttendStep,
  GatedStep,
  ExpertMatmulOp,
  ExpertsSumStep,
  MatmulOp,
  ProductOfTwoStep,
  ProductStep,
  RmsnormOp,
  Step,
} from './steps.ts';

/** Of a value in between that nobody asked for (wgsl/lib/tapped.wgsl), or a vector that is not there. */
export const NOWHERE = 0xffff_ffff;
/** Positions of a split of attention (wgsl/attend.wgsl). */
const SPLIT = 64;

export interface StepSite extends OpSite {
  /** Values in between. */
  inner: GPUBuffer;
  /** First quad of one, or NOWHERE. */
  innerAt: (value: ValueId) => number;
  /** Of attention's splits. */
  partial: GPUBuffer;
  /** Bound to what a kernel does not read this time. */
  unused: GPUBuffer;
}

export async function bindStep(step: Step, site: StepSite): Promise<readonly Dispatch[]> {
  switch (step.kind) {
    case 'op':
      return bindOp(step.op, site);
    case 'product':
      return bindProduct(step, site);
    case 'productOfTwo':
      return [await bindProductOfTwo(step, site)];
    case 'gated':
      return [await bindGated(step, site, 'gated', {}, (groups) => () => [...folded(groups), 1])];
    case 'expertsGated': {
      const ids = site.placed(step.gate.experts);
      const used = site.channelsOf(step.gate.experts);
      return [await bindGated(step, site, 'experts_gated', { ids }, (groups) => () => [groups, used, 1])];
    }
    case 'attend':
      return bindAttend(step, site);
    case 'normAdd': {
      const { norm, add } = step;
      const residual = site.placed(add.a === norm.out ? add.b : add.a);
      const buffers = {
        out: site.placed(add.out),
        inner: site.inner,
        x: site.placed(norm.in),
        vectors: site.vectors,
        residual,
      };
      const channels = site.channelsOf(add.out);
      const params = { channels, quads: quadsOf(channels), ...normParams(norm, site) };
      return [
        await dispatch(site, 'norm_add', {
          buffers,
          params,
          constants: inputConstants(norm, channels),
          grid: ({ rowCount }) => [rowCount, 1, 1],
        }),
      ];
    }
    case 'choose': {
      const { select, route } = step;
      const buffers = { ids: site.placed(select.out), shares: site.placed(route.out), x: site.placed(select.in) };
      const params = {
        experts: site.channelsOf(select.in),
        used: site.channelsOf(select.out),
        is_renormalised: route.isRenormalised ? 1 : 0,
      };
      return [
        await dispatch(site, 'choose', { buffers, params, grid: ({ rowCount }) => [Math.ceil(rowCount / 64), 1, 1] }),
      ];
    }
    case 'expertsSum':
      return [await bindExpertsSum(step, site)];
  }
}

function normParams(norm: RmsnormOp | null, { vectorAt, innerAt }: StepSite): Record<string, number> {
  if (norm === null) return { gain_at: 0, eps: 0, gain_offset: 0, norm_at: NOWHERE };
  const { weight, eps, gainOffset = 0, out } = norm;
  return { gain_at: vectorAt(weight), eps, gain_offset: gainOffset, norm_at: innerAt(out) };
}

/** What a kernel over an input of so many columns is compiled for (wgsl/lib/input.wgsl). */
function inputConstants(norm: RmsnormOp | null, columns: number): Record<string, boolean> {
  return { HAS_NORM: norm !== null, IS_WHOLE: isWhole(columns) };
}

async function bindProduct({ norm, members, residual }: ProductStep, site: StepSite): Promise<readonly Dispatch[]> {
  const [first] = members;
  if (first === undefined) return [];
  const { matmul, bias } = first;
  const weight = site.weightOf(matmul.weight);
  const quads = quadsOf(weight.columns);
  const lastOp = bias ?? matmul;
  const other = residual === null ? null : residual.a === lastOp.out ? residual.b : residual.a;
  const out = site.placed(residual?.out ?? lastOp.out);
  const stackRows = members.reduce((sum, { matmul: { out: value } }) => sum + 4 * quadsOf(site.channelsOf(value)), 0);
  // What leaves in the end is no value in between.
  const between = (value: ValueId | undefined, isLast: boolean): number =>
    value === undefined || isLast ? NOWHERE : site.innerAt(value);
  return Promise.all(
    weight.parts.map((part) => {
      const rows = members.length === 1 ? part.rowCount : stackRows;
      const ownQuads = part.firstRow / 4;
      const within = (at: number): number => (at === NOWHERE ? NOWHERE : at + ownQuads);
      const params = {
        ...weightParams(weight, part),
        row_step: weight.rowStep,
        row_shift: weight.rowShift,
        rows,
        channels: weight.columns,
        quads,
        ...normParams(norm, site),
        // Of several parts each makes the norm, and the first shows it.
        ...(part.firstRow === 0 ? {} : { norm_at: NOWHERE }),
        has_bias: bias === null ? 0 : 1,
        bias_at: bias === null ? 0 : site.vectorAt(bias.weight) + ownQuads,
        has_residual: other === null ? 0 : 1,
        raw_at: within(between(matmul.out, bias === null && residual === null)),
        biased_at: within(between(bias?.out, residual === null)),
        ...(other === null ? { residual_at: 0, residual_stride: 0 } : {}),
      };
      const buffers = {
        out: placedPart(out, part),
        inner: site.inner,
        quads: part.buffer,
        words: part.buffer,
        x: site.placed(norm?.in ?? matmul.in),
        vectors: site.vectors,
        residual: other === null ? site.unused : placedPart(site.placed(other), part),
      };
      const groups = folded(Math.ceil(rows / 4 / clusters(site)));
      return dispatch(site, 'product', {
        types: [weight.type],
        buffers,
        params,
        constants: inputConstants(norm, weight.columns),
        grid: () => [...groups, 1],
      });
    }),
  );
}

async function bindProductOfTwo({ norm, runs }: ProductOfTwoStep, site: StepSite): Promise<Dispatch> {
  const [{ matmul, bias }] = runs.flat() as [ProductStep['members'][number]];
  const [a, b] = runs.map(([first]) => site.weightOf(first?.matmul.weight ?? ''));
  const [partA, partB] = [a?.parts[0], b?.parts[0]];
  if (a === undefined || b === undefined || partA === undefined || partB === undefined) throw new RangeError('no rows');
  const [rows = 0, rowsB = 0] = runs.map((members) =>
    members.reduce((sum, { matmul: { out } }) => sum + 4 * quadsOf(site.channelsOf(out)), 0),
  );
  const params = {
    ...weightParams(a, partA),
    plane_1_b: partB.planes[0] ?? 0,
    plane_2_b: partB.planes[1] ?? 0,
    rows,
    rows_b: rowsB,
    channels: a.columns,
    quads: quadsOf(a.columns),
    ...normParams(norm, site),
    has_bias: bias === null ? 0 : 1,
    bias_at: bias === null ? 0 : site.vectorAt(bias.weight),
    raw_at: bias === null ? NOWHERE : site.innerAt(matmul.out),
  };
  const buffers = {
    out: site.placed((bias ?? matmul).out),
    inner: site.inner,
    quads: partA.buffer,
    words: partA.buffer,
    quads_b: partB.buffer,
    words_b: partB.buffer,
    x: site.placed(norm?.in ?? matmul.in),
    vectors: site.vectors,
  };
  const groups = [rows, rowsB].reduce((sum, count) => sum + Math.ceil(count / 4 / clusters(site)), 0);
  const grid: Grid = () => [...folded(groups), 1];
  return dispatch(site, 'product_of_two', {
    types: [a.type, b.type],
    buffers,
    params,
    constants: inputConstants(norm, a.columns),
    grid,
  });
}

async function bindGated<Product extends MatmulOp | ExpertMatmulOp>(
  step: Pick<GatedStep<Product>, 'norm' | 'gate' | 'up' | 'activation' | 'mul'>,
  site: StepSite,
  shader: 'gated' | 'experts_gated',
  more: Readonly<Record<string, ReturnType<StepSite['placed']>>>,
  gridOf: (groups: number) => Grid,
): Promise<Dispatch> {
  const { norm, gate, up, activation, mul } = step;
  const weight = site.weightOf(gate.weight);
  const [part] = weight.parts;
  if (part === undefined) throw new RangeError(`${gate.weight} has no rows`);
  const params = {
    ...weightParams(weight, part),
    rows: weight.rows,
    channels: weight.columns,
    quads: quadsOf(weight.columns),
    ...normParams(norm, site),
    is_gelu: activation.op === 'gelu' ? 1 : 0,
    gate_at: site.innerAt(gate.out),
    up_at: site.innerAt(up.out),
    activated_at: site.innerAt(activation.out),
  };
  const buffers = {
    out: site.placed(mul.out),
    inner: site.inner,
    quads: part.buffer,
    words: part.buffer,
    x: site.placed(norm?.in ?? gate.in),
    vectors: site.vectors,
    ...more,
  };
  return dispatch(site, shader, {
    types: [weight.type],
    buffers,
    params,
    constants: inputConstants(norm, weight.columns),
    grid: gridOf(Math.ceil(weight.rows / 4 / clusters(site))),
  });
}

async function bindExpertsSum({ down, sum, residual }: ExpertsSumStep, site: StepSite): Promise<Dispatch> {
  const weight = site.weightOf(down.weight);
  const [part] = weight.parts;
  if (part === undefined) throw new RangeError(`${down.weight} has no rows`);
  const other = residual === null ? null : residual.a === sum.out ? residual.b : residual.a;
  const params = {
    ...weightParams(weight, part),
    rows: weight.rows,
    used: site.channelsOf(down.experts),
    quads: quadsOf(weight.columns),
    has_residual: other === null ? 0 : 1,
    raw_at: site.innerAt(down.out),
    sum_at: residual === null ? NOWHERE : site.innerAt(sum.out),
    ...(other === null ? { residual_at: 0, residual_stride: 0 } : {}),
  };
  const buffers = {
    out: site.placed(residual?.out ?? sum.out),
    inner: site.inner,
    quads: part.buffer,
    words: part.buffer,
    x: site.placed(down.in),
    ids: site.placed(down.experts),
    shares: site.placed(sum.shares),
    residual: other === null ? site.unused : site.placed(other),
  };
  const groups = Math.ceil(weight.rows / 4 / clusters(site));
  return dispatch(site, 'experts_sum', {
    types: [weight.type],
    buffers,
    params,
    constants: { IS_WHOLE: isWhole(weight.columns) },
    grid: () => [groups, 1, 1],
  });
}

async function bindAttend({ q, k, attention }: AttendStep, site: StepSite): Promise<readonly Dispatch[]> {
  assertHeads(attention);
  const { headCount, headDim, window } = attention;
  const { keys, values } = site.cacheOf(attention);
  const rope = q.rope?.rope ?? null;
  const norm = q.norm;
  const inner = (value: ValueId | undefined): number => (value === undefined ? NOWHERE : site.innerAt(value));
  const [placedQ, placedK, placedV] = [q.from, k.from, attention.v].map(site.placed);
  if (placedQ === undefined || placedK === undefined || placedV === undefined) return [];
  if (new Set([placedQ.buffer, placedK.buffer, placedV.buffer]).size !== 1)
    throw new RangeError('q, k and v lie apart');
  const params = {
    ...attentionParams(attention),
    q_at: placedQ.at,
    k_at: placedK.at,
    v_at: placedV.at,
    q_gain_at: q.norm === null ? NOWHERE : site.vectorAt(q.norm.weight),
    k_gain_at: k.norm === null ? NOWHERE : site.vectorAt(k.norm.weight),
    eps: norm?.eps ?? 0,
    gain_offset: norm?.gainOffset ?? 0,
    rotary_dim: rope?.rotaryDim ?? 0,
    is_neox: rope?.pairing === 'neox' ? 1 : 0,
    q_norm_at: inner(q.norm?.out),
    k_norm_at: inner(k.norm?.out),
    q_rope_at: inner(q.rope?.out),
    k_rope_at: inner(k.rope?.out),
  };
  const buffers = {
    qkv: placedQ.buffer,
    vectors: site.vectors,
    table: rope === null ? site.unused : site.ropeTableOf(rope),
    keys,
    values,
    inner: site.inner,
    partial: site.partial,
  };
  const splits: Grid = ({ firstPosition }) => [headCount, splitCount(firstPosition, window), 1];
  const combined = { heads: headCount, head_dim: headDim, window: window ?? 0 };
  return [
    await dispatch(site, 'attend', { buffers, params, grid: splits }),
    await dispatch(site, 'combine', {
      buffers: { partial: site.partial, out: site.placed(attention.out) },
      params: combined,
      grid: () => [headCount, 1, 1],
    }),
  ];
}

/** Splits are runs of positions that begin at multiples of 64, so that what one makes does not depend on the window. */
function splitCount(position: number, window: number | null): number {
  const first = window !== null && position + 1 > window ? position + 1 - window : 0;
  return Math.floor(position / SPLIT) - Math.floor(first / SPLIT) + 1;
}

/** Of what attention keeps of the splits of a position: of each head its sums, the largest score, the total. */
export function partialBytes({ headCount, headDim, window }: AttendStep['attention'], position: number): number {
  return 16 * headCount * splitCount(position, window) * (quadsOf(headDim) + 1);
}
