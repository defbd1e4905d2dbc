// From a breach to what is said of it: the place, and why. A weight of the op that holds NaN or infinity is the cause and
// is named; only where there is none did a value overflow on its way.
import { censusOf } from '../../engine/model/weight-census.ts';
import { oddityOf } from '../../engine/model/odd-weights.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import { ropeWeights, type Op, type WeightName } from '../../engine/program/program.ts';
import type { BugClass } from '../faults/fault.ts';
import { placeText } from '../place-text.ts';
import { LARGEST_F32, type Breach, type BreachKind } from './watch.ts';

const LARGEST_F16 = 65_504;

export interface RangeReport extends Omit<Breach, 'op' | 'kind' | 'magnitude'> {
  bugClass: BugClass;
  kind: BreachKind | 'badWeight';
  op: Op['op'];
  /** The value that the op writes. */
  stage: string;
  /** The weight behind it; null: a value overflowed. */
  weight: { name: string; nanCount: number; infCount: number; row: number; column: number } | null;
  /** A sum within the op overflowed: of squares in a norm, q·k, products. The result itself might not have. */
  isInside: boolean;
  sentence: string;
}

export interface ReportContext {
  weights: WeightSource;
  profile: NumericProfile;
  /** What the file calls a weight; its canonical name unless given. */
  nameOf?: ((weight: WeightName) => string) | undefined;
}

export async function reportOfBreach(breach: Breach, context: ReportContext): Promise<RangeReport> {
  const { op, kind, magnitude: _, ...rest } = breach;
  const bad = kind === 'nonFinite' ? await badWeightOf(op, context) : null;
  const place = `${placeText({ layer: rest.layer, op: op.op, value: op.out })}, position ${rest.position}`;
  return {
    ...rest,
    bugClass: 'OVERFLOW_NONFINITE',
    kind: bad === null ? kind : 'badWeight',
    op: op.op,
    stage: op.out,
    weight: bad?.weight ?? null,
    isInside: bad === null && leavesInside(breach),
    sentence: `${place}: ${bad === null ? overflowText(breach, context.profile) : `${countText(breach)}, because ${bad.says}`}`,
  };
}

async function badWeightOf(
  op: Op,
  { weights, nameOf }: ReportContext,
): Promise<{ weight: NonNullable<RangeReport['weight']>; says: string } | null> {
  const names = 'weight' in op ? [op.weight] : op.op === 'rope' ? ropeWeights(op.rope.scaling) : [];
  for (const name of names) {
    const info = weights.info(name);
    if (info === undefined) continue;
    const shown = nameOf?.(name) ?? name;
    const census = await censusOf(weights, info);
    const { first, nanCount, infCount } = census;
    const odd = oddityOf(shown, census, null);
    if (first !== null && odd !== null) {
      return { weight: { name: shown, nanCount, infCount, ...first }, says: odd.notice.message };
    }
  }
  return null;
}

function overflowText(breach: Breach, profile: NumericProfile): string {
  const { op, kind, largestInputs } = breach;
  const of = largestInputs.map(({ value, largest }) => `|${value.replace(/^layer-\d+\//, '')}| ${figure(largest)}`);
  const largest = of.length === 0 ? '' : ` (largest ${of.join(', ')})`;
  if (kind === 'zeroed') return `the sum of squares leaves float32${largest}, and the row became zeros`;
  if (kind === 'lost') return `the squares are too small for float32${largest}, and the row is off`;
  const type = isBeyondHalf(breach, profile) ? 'float16, whose largest number is 65504' : profileRange(profile);
  const what = op.op === 'attention' ? 'q·k, or the sum over positions,' : 'a result, or a sum on the way to it,';
  const eps = op.op === 'rmsnorm' && Math.fround(op.eps) === 0 ? `; eps ${op.eps} is 0 in float32` : '';
  return `${countText(breach)} of finite inputs${largest}: ${what} leaves ${type}${eps}`;
}

function countText({ nanCount, infCount }: Breach): string {
  const count = nanCount + infCount;
  return count === 1 ? '1 NaN or infinite value' : `${count} NaN or infinite values`;
}

/** Where a subject keeps its activations or its cache in halves. */
function isBeyondHalf({ op, largestInputs }: Breach, { storage, kvCache, activations }: NumericProfile): boolean {
  const hasHalves = op.op === 'attention' ? kvCache === 'f16' : Object.keys(activations).length > 0;
  return (storage === 'f16' || hasHalves) && largestInputs.some(({ largest }) => largest > LARGEST_F16);
}

function profileRange({ storage }: NumericProfile): string {
  return { f16: 'float16', bf16: 'bfloat16', f32: 'float32', f64: 'float64' }[storage];
}

function figure(value: number): string {
  return value >= 1e5 || (value > 0 && value < 1e-4) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

function leavesInside({ kind, op, largestInputs, magnitude }: Breach): boolean {
  if (kind !== 'nonFinite' || (magnitude ?? 0) > LARGEST_F32) return true;
  if (op.op !== 'attention') return false;
  const of = (id: string): number => largestInputs.find(({ value }) => value === id)?.largest ?? 0;
  return of(op.q) * of(op.k) * op.headDim > LARGEST_F32;
}
