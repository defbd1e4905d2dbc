// Steps with their buffers and dispatches: everything of a run that does not depend on the position, made once.
import type { Op, Program, ValueId } from '../engine/program/program.ts';
import { bindStep, NOWHERE, type StepSite } from './bind-step.ts';
import { planBuffers, quadsOf } from './buffer-plan.ts';
import { dispatch, type ChunkPlace, type Dispatch, type Placed } from './dispatch.ts';
import type { Region } from './guards.ts';
import type { GpuProgram } from './load-program.ts';
import { regionsOf } from './regions.ts';
import { innersOf, opsOf, outsOf, valuesOf, type MatmulOp, type Step } from './steps.ts';

interface BoundStep {
  dispatches: readonly Dispatch[];
  /** For the last row alone of a chunk of many. */
  last: readonly Dispatch[];
  /** Indices of its ops. */
  ops: readonly number[];
  /** What can be copied right after it, and where it is. */
  shows: ReadonlyMap<ValueId, Placed>;
  /** What it writes, in a run that is checked. */
  regions: (place: StepPlace) => readonly Region[];
  layer: number | null;
  hasLayerWeight: boolean;
}

/** Rows of the chunk that a step makes. */
export interface StepPlace extends ChunkPlace {
  firstRow: number;
}

export interface BoundPlan {
  steps: readonly BoundStep[];
  placeOf: (value: ValueId) => Placed;
  /** After the logits: the likeliest token. */
  choose: readonly Dispatch[];
  chooseRegions: readonly Region[];
}

/** Logits that a workgroup of wgsl/choice.wgsl looks through. */
const CHOICE_LOGITS = 1024;

/** What is the session's own, whatever the plan. */
export interface SharedSite extends Omit<StepSite, 'placed' | 'inner' | 'innerAt'> {
  /** Bound where nothing in between is shown. */
  unusedInner: GPUBuffer;
  /** Of the likeliest token: of each part of the logits, and of all. */
  choices: GPUBuffer;
  choice: GPUBuffer;
}

/** Buffers of the values of so many rows. */
export interface ValueBuffers {
  placed: (value: ValueId) => Placed;
}

export async function allocateValues(
  { program }: GpuProgram,
  steps: readonly Step[],
  rowCount: number,
  create: (label: string, byteLength: number) => Promise<GPUBuffer>,
): Promise<ValueBuffers> {
  const plan = planBuffers(program, steps.map(valuesOf));
  const slots: GPUBuffer[] = [];
  for (const [slot, quads] of plan.slotQuads.entries()) {
    slots.push(await create(`values ${slot}`, 16 * quads * rowCount));
  }
  const placed = (value: ValueId): Placed => {
    const where = plan.whereOf.get(value);
    const buffer = slots[where?.slot ?? -1];
    if (where === undefined || buffer === undefined) throw new RangeError(`${value} has no place`);
    return { buffer, at: where.at, stride: where.stride };
  };
  return { placed };
}

/** @param inner where values in between go; null: nowhere, they are not shown */
export async function bindPlan(
  { program }: GpuProgram,
  steps: readonly Step[],
  { placed }: ValueBuffers,
  site: SharedSite,
  inner: GPUBuffer | null,
): Promise<BoundPlan> {
  const indexOf = new Map<Op, number>(program.ops.map((op, index) => [op, index]));
  const layerOf = new Map(program.values.map(({ id, layer }) => [id, layer]));
  const shown = new Set<ValueId>();
  const bound = steps.map(async (step): Promise<BoundStep> => {
    const shows = new Map(
      outsOf(step)
        .flat()
        .map((value) => [value, placed(value)]),
    );
    if (inner !== null)
      for (const [value, place] of placesOf(step, inner, site.channelsOf, shown)) shows.set(value, place);
    const innerAt = (value: ValueId): number => {
      const place = shows.get(value);
      return inner !== null && place?.buffer === inner ? place.at : NOWHERE;
    };
    const own = { ...site, placed, inner: inner ?? site.unusedInner, innerAt };
    const dispatches = await bindStep(step, own);
    // A tile of one row would be a waste.
    const forLast = step.kind === 'op' && step.op.op === 'matmul' ? productOf(step.op) : null;
    const last = forLast === null ? dispatches : await bindStep(forLast, own);
    const ops = opsOf(step);
    return {
      dispatches,
      last,
      shows,
      regions: regionsOf(step, own, inner),
      ops: ops.map((op) => indexOf.get(op) ?? 0),
      layer: layerOf.get(ops.at(-1)?.out ?? '') ?? null,
      hasLayerWeight: ops.some((op) => op.op !== 'embed' && 'weight' in op),
    };
  });
  const whole = (value: string, buffer: GPUBuffer, quads: number): Region => ({
    value,
    buffer,
    byteOffset: 0,
    byteLength: 16 * quads,
  });
  // All of them, also where one fails: none begins something after it was given up.
  await Promise.allSettled(bound);
  return {
    steps: await Promise.all(bound),
    placeOf: placed,
    choose: await bindChoice(program, placed, site),
    chooseRegions: [
      whole('the likeliest of parts', site.choices, choicePartCount(program.vocabSize)),
      whole('the likeliest token', site.choice, 1),
    ],
  };
}

async function bindChoice(
  { logits, vocabSize }: Program,
  placed: (value: ValueId) => Placed,
  site: SharedSite,
): Promise<readonly Dispatch[]> {
  const parts = choicePartCount(vocabSize);
  const x = placed(logits);
  return Promise.all([
    dispatch(site, 'choice', {
      buffers: { out: site.choices, x, parts: site.unused },
      params: { channels: vocabSize, parts: 0 },
      grid: () => [parts, 1, 1],
    }),
    dispatch(site, 'choice', {
      buffers: { out: site.choice, x, parts: site.choices },
      params: { channels: vocabSize, parts },
      grid: () => [1, 1, 1],
    }),
  ]);
}

export function choicePartCount(vocabSize: number): number {
  return Math.ceil(vocabSize / CHOICE_LOGITS);
}

function productOf(matmul: MatmulOp): Step {
  return { kind: 'product', norm: null, members: [{ matmul, bias: null }], residual: null };
}

/** A value that several steps make is shown by the first. */
function placesOf(
  step: Step,
  buffer: GPUBuffer,
  channelsOf: (value: ValueId) => number,
  shown: Set<ValueId>,
): [ValueId, Placed][] {
  let at = 0;
  return innersOf(step)
    .filter((value) => !shown.has(value))
    .map((value) => {
      shown.add(value);
      const stride = quadsOf(channelsOf(value));
      at += stride;
      return [value, { buffer, at: at - stride, stride }];
    });
}

/** Of the widest step, where all values in between are shown. */
export function innerBytes(steps: readonly Step[], channelsOf: (value: ValueId) => number): number {
  const quads = steps.map((step) => innersOf(step).reduce((sum, value) => sum + quadsOf(channelsOf(value)), 0));
  return 16 * Math.max(1, ...quads);
}

/** Dispatches of the layer that has the most. What makes the embedding, before the first weight of a layer, is of none. */
export function mostDispatchesOfALayer({ steps }: BoundPlan): number {
  const counts = new Map<number, number>();
  for (const { layer, dispatches } of steps.slice(steps.findIndex(({ hasLayerWeight }) => hasLayerWeight))) {
    if (layer !== null) counts.set(layer, (counts.get(layer) ?? 0) + dispatches.length);
  }
  return Math.max(0, ...counts.values());
}
