// What one dispatch, or a few that belong together, make of a program: an op by itself, or ops that one kernel makes at once. A value
// between such ops is inner: it leaves the kernel only where a run is tapped. Plain data; fuse.ts makes it.
import { operands, type AttentionOp, type Op, type ValueId } from '../engine/program/program.ts';
import type { StepValues } from './buffer-plan.ts';

type Of<Name extends Op['op']> = Extract<Op, { op: Name }>;
export type RmsnormOp = Of<'rmsnorm'>;
export type MatmulOp = Of<'matmul'>;
export type ExpertMatmulOp = Of<'expertMatmul'>;
export type ActivationOp = Of<'silu'> | Of<'gelu'>;

/** Matrices that share an input, one after the other in a buffer, each with its bias or all without. */
export interface ProductStep {
  kind: 'product';
  norm: RmsnormOp | null;
  members: readonly { matmul: MatmulOp; bias: Of<'addBias'> | null }[];
  residual: Of<'add'> | null;
}

/** As a product, with matrices of two types: those of each lie in a buffer. */
export interface ProductOfTwoStep {
  kind: 'productOfTwo';
  norm: RmsnormOp | null;
  runs: readonly [ProductStep['members'], ProductStep['members']];
}

/** activation(gate) · up. */
export interface GatedStep<Product extends MatmulOp | ExpertMatmulOp = MatmulOp> {
  kind: 'gated';
  norm: RmsnormOp | null;
  gate: Product;
  up: Product;
  activation: ActivationOp;
  mul: Of<'mul'>;
}

/** What stands between a product and attention. */
export interface HeadChain {
  from: ValueId;
  norm: RmsnormOp | null;
  rope: Of<'rope'> | null;
}

export interface AttendStep {
  kind: 'attend';
  q: HeadChain;
  k: HeadChain;
  attention: AttentionOp;
}

interface NormAddStep {
  kind: 'normAdd';
  norm: RmsnormOp;
  add: Of<'add'>;
}

interface ChooseStep {
  kind: 'choose';
  select: Of<'moeSelect'>;
  route: Of<'moeRoute'>;
}

/** Σ shares · (W · x) over the chosen experts. */
export interface ExpertsSumStep {
  kind: 'expertsSum';
  down: ExpertMatmulOp;
  sum: Of<'moeSum'>;
  residual: Of<'add'> | null;
}

export type Step =
  | { kind: 'op'; op: Op }
  | ProductStep
  | ProductOfTwoStep
  | GatedStep
  | (Omit<GatedStep<ExpertMatmulOp>, 'kind'> & { kind: 'expertsGated' })
  | AttendStep
  | NormAddStep
  | ChooseStep
  | ExpertsSumStep;

/** Of a step, in the order of the program. A norm that several steps make for themselves belongs to each. */
export function opsOf(step: Step): Op[] {
  switch (step.kind) {
    case 'op':
      return [step.op];
    case 'product':
      return there([step.norm, ...step.members.flatMap(({ matmul, bias }) => [matmul, bias]), step.residual]);
    case 'productOfTwo':
      return there([step.norm, ...step.runs.flat().flatMap(({ matmul, bias }) => [matmul, bias])]);
    case 'gated':
    case 'expertsGated':
      return there([step.norm, step.gate, step.up, step.activation, step.mul]);
    case 'attend':
      return there([step.q.norm, step.k.norm, step.q.rope, step.k.rope, step.attention]);
    case 'normAdd':
      return [step.norm, step.add];
    case 'choose':
      return [step.select, step.route];
    case 'expertsSum':
      return there([step.down, step.sum, step.residual]);
  }
}

/** The values that leave it in every run, those of one array side by side. */
export function outsOf(step: Step): ValueId[][] {
  switch (step.kind) {
    case 'product':
      return [
        step.residual === null ? step.members.map(({ matmul, bias }) => (bias ?? matmul).out) : [step.residual.out],
      ];
    case 'productOfTwo':
      return [step.runs.flat().map(({ matmul, bias }) => (bias ?? matmul).out)];
    case 'choose':
      return [[step.select.out], [step.route.out]];
    case 'op':
    case 'gated':
    case 'expertsGated':
    case 'attend':
    case 'normAdd':
    case 'expertsSum':
      return [[opsOf(step).at(-1)?.out ?? '']];
  }
}

/** The values that leave it where a run is tapped. */
export function innersOf(step: Step): ValueId[] {
  const outs = new Set(outsOf(step).flat());
  return opsOf(step)
    .map(({ out }) => out)
    .filter((out) => !outs.has(out));
}

export function valuesOf(step: Step): StepValues {
  const written = new Set(opsOf(step).map(({ out }) => out));
  const reads = opsOf(step).flatMap((op) => operands(op).reads);
  const together = step.kind === 'attend' ? [step.q.from, step.k.from, step.attention.v] : [];
  return { reads: reads.filter((value) => !written.has(value)), writes: outsOf(step), together };
}

function there<Thing>(things: readonly (Thing | null)[]): Thing[] {
  return things.filter((thing) => thing !== null);
}
