// From judged ops, coverage and what vouches for the program to one verdict and one sentence. BUG outranks SUSPECT
// outranks INCONCLUSIVE outranks PASS; nothing compared, an op not compared, or an unverified program is never PASS.
import type { Op, Program } from '../../engine/program/program.ts';
import { parseStageId } from '../../engine/program/stages.ts';
import type { BugClass } from '../faults/fault.ts';
import { judgementOf } from '../ops/judgements.ts';
import { placeText } from '../place-text.ts';
import type { OddWeight } from '../../engine/model/odd-weights.ts';
import type { RangeReport } from '../range/report.ts';
import type { InferredFormat } from './formats.ts';
import type { OpResult } from './judge.ts';
import type { PathFault } from './run-plan.ts';
import { JUDGED_WIDTH } from './stretch.ts';
import type { Verification } from './verify-program.ts';

export type VerdictWord = 'PASS' | 'BUG' | 'SUSPECT' | 'INCONCLUSIVE';

export interface Coverage {
  judgedOps: number;
  opCount: number;
  elementCount: number;
  /** Values of the program that were not judged. */
  missing: string[];
}

export interface CheckVerdict {
  verdict: VerdictWord;
  sentence: string;
  bugClass: BugClass | null;
  /** Where the first fault is; null without one. */
  at: { layer: number | null; op: Op['op'] | null; value: string } | null;
}

export interface VerdictInput {
  program: Program;
  results: readonly OpResult[];
  inferred: readonly InferredFormat[];
  coverage: Coverage;
  verification: Verification;
  /** What went wrong around the ops; null: nothing. */
  pathFault: PathFault | null;
  /** Values that were suspect on a second input too. */
  confirmed: ReadonlySet<string>;
  /** What the logits' difference from the original weights is made of; null without them. */
  logitShare: number | null;
  outOfRange: RangeReport | null;
  oddWeights: readonly OddWeight[];
}

/** Narrow enough that a fault of the size of a single op's bound does not hide in it. */
function isJudged({ stretch }: OpResult): boolean {
  return stretch === null || stretch.width <= JUDGED_WIDTH;
}

/** A stretch that is too wide covers its ops, and judges none of them. */
export function coverageOf(program: Program, results: readonly OpResult[]): Coverage {
  const covered = (some: readonly OpResult[]): Set<string> =>
    new Set(some.flatMap(({ value, stretch }) => stretch?.covers ?? [value]));
  const compared = covered(results);
  return {
    judgedOps: covered(results.filter(isJudged)).size,
    opCount: program.ops.length,
    elementCount: results.reduce((sum, { elementCount }) => sum + elementCount, 0),
    missing: program.ops.map(({ out }) => out).filter((value) => !compared.has(value)),
  };
}

export function verdictOf(input: VerdictInput): CheckVerdict {
  const verdict = verdictOfRun(input);
  const broken = input.oddWeights.filter(({ isBroken }) => isBroken);
  if (broken.length > 0) return weightVerdict('BUG', broken, input);
  const odd = input.oddWeights.filter(({ notice }) => notice.severity === 'warning');
  if (odd.length === 0) return verdict;
  if (verdict.verdict === 'PASS' || verdict.verdict === 'INCONCLUSIVE') return weightVerdict('SUSPECT', odd, input);
  return { ...verdict, sentence: `${verdict.sentence}; ${weightsText(odd)}` };
}

/** Of weights as they are stored: what is computed of them may be right, and means nothing. */
function weightVerdict(verdict: 'BUG' | 'SUSPECT', odd: readonly OddWeight[], { program }: VerdictInput): CheckVerdict {
  const op = program.ops.find((reader) => 'weight' in reader && reader.weight === odd[0]?.name);
  const layer = program.values.find(({ id }) => id === op?.out)?.layer ?? null;
  const at = op === undefined ? null : { layer, op: op.op, value: op.out };
  const sentence = `${verdict} in the weights: ${weightsText(odd)}`;
  return { verdict, sentence, bugClass: verdict === 'BUG' ? 'OVERFLOW_NONFINITE' : null, at };
}

function weightsText([first, ...others]: readonly OddWeight[]): string {
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  return `${first?.notice.message ?? ''}${more}`;
}

/** A range left at or before the first faulty op is the cause; where the op alone is wrong, it is the op's. */
function rangeVerdict({ outOfRange, program }: VerdictInput, faulty: OpResult | undefined): CheckVerdict | null {
  if (outOfRange === null) return null;
  const { op, layer, stage: value, bugClass, sentence, isInside } = outOfRange;
  const indexOf = (id: string): number => program.ops.findIndex(({ out }) => out === id);
  const lead = faulty === undefined ? 1 : indexOf(faulty.value) - indexOf(value);
  if (lead < 0 || (lead === 0 && !isInside)) return null;
  return { verdict: 'BUG', sentence: `BUG ${sentence}`, bugClass, at: { layer, op, value } };
}

function verdictOfRun(input: VerdictInput): CheckVerdict {
  const { results, inferred, verification, coverage, confirmed } = input;
  const faulty = results.find(({ status, value }) => status === 'faulty' || confirmed.has(value));
  const outOfRange = rangeVerdict(input, faulty);
  if (outOfRange !== null) return outOfRange;
  if (faulty !== undefined) return faultVerdict('BUG', faulty, confirmed);
  if (input.pathFault !== null) {
    const { sentence, bugClass } = input.pathFault;
    return { verdict: 'BUG', sentence: `BUG in the run: ${sentence}`, bugClass, at: null };
  }
  if (verification.status === 'refuted' && verification.firstDifference !== null) {
    const { path } = verification.firstDifference;
    const at = { layer: parseStageId(path)?.layer ?? null, op: null, value: path };
    const sentence = `BUG in the program at ${at.value}: ${verification.says}`;
    return { verdict: 'BUG', sentence, bugClass: 'CONFIG_METADATA_LOSS', at };
  }
  const suspect = results.find(({ status }) => status === 'suspect');
  if (suspect !== undefined) return faultVerdict('SUSPECT', suspect, confirmed);
  const other = oddFormat(inferred, results);
  if (other !== null) return other;
  const within = `${coverage.judgedOps} of ${coverage.opCount} ops within their budgets`;
  const inconclusive = (why: string): CheckVerdict => ({
    verdict: 'INCONCLUSIVE',
    sentence: `INCONCLUSIVE: ${why}`,
    bugClass: null,
    at: null,
  });
  if (coverage.elementCount === 0) return inconclusive('nothing was compared');
  if (coverage.missing.length > 0) {
    return inconclusive(`${within}, but ${coverage.missing.length} could not be judged, ${coverage.missing[0]} first`);
  }
  const unbounded = results.find((result) => isJudged(result) && result.unboundedCount > 0);
  if (unbounded !== undefined) {
    const count = `${unbounded.unboundedCount} of ${unbounded.elementCount} elements`;
    const why = `${within}, but nothing bounds ${count} ${placeText(unbounded)}: rounding may move them anywhere`;
    return inconclusive(why);
  }
  const wide = results.filter((result) => !isJudged(result));
  if (wide[0]?.stretch !== null && wide[0] !== undefined) {
    const rest = `the others only in ${wide.length} stretches of several, where a small fault can hide`;
    return inconclusive(`${within}, ${rest}; capture ${wide[0].stretch.wanted.join(', ')} to see into the first`);
  }
  if (verification.status !== 'verified')
    return inconclusive(`${within}, but the program is UNVERIFIED: ${verification.says}`);
  const share =
    input.logitShare === null
      ? ''
      : `; ${shareText(input.logitShare)} of the distance from the original weights is weight quantisation`;
  const bugClass = input.logitShare === null ? null : 'QUANTIZATION_NOISE';
  return { verdict: 'PASS', sentence: `PASS: ${within}${share}`, bugClass, at: null };
}

/** A healthy engine has one format for all ops of a kind. */
function oddFormat(inferred: readonly InferredFormat[], results: readonly OpResult[]): CheckVerdict | null {
  for (const { others, text, opCount } of inferred) {
    const [first] = others;
    const result = results.find(({ value }) => value === first?.value);
    if (first === undefined || result === undefined) continue;
    const { layer, op, value } = result;
    const sentence = `SUSPECT ${placeText(result)}: explained by ${first.text}, where ${opCount} others of its kind have ${text}`;
    return { verdict: 'SUSPECT', sentence, bugClass: null, at: { layer, op, value } };
  }
  return null;
}

function faultVerdict(verdict: 'BUG' | 'SUSPECT', found: OpResult, confirmed: ReadonlySet<string>): CheckVerdict {
  const { layer, op, value, stretch } = found;
  if (stretch === null) {
    const again = confirmed.has(value) && found.status !== 'faulty' ? ', and again on a second input' : '';
    const sentence = `${verdict} ${placeText(found)}: ${whyText(found)}${again}`;
    return { verdict, sentence, bugClass: verdict === 'BUG' ? classOf(found) : null, at: { layer, op, value } };
  }
  const { after, upTo, ops, wanted } = stretch;
  const sentence = `${verdict} between ${after} and ${upTo} (${ops.join(', ')}): ${whyText(found)}; capture ${wanted.join(', ')} to settle which`;
  return { verdict, sentence, bugClass: null, at: { layer, op: null, value: upTo } };
}

function whyText(found: OpResult): string {
  const { nonFiniteMismatches, rhoProven, rhoExpected, worst, isBiased, bias, group, stretch } = found;
  const head = worst === null || worst.head === null ? '' : `, head ${worst.head}`;
  const where = worst === null ? '' : ` at token ${worst.position}${head}, channel ${worst.channel}`;
  if (nonFiniteMismatches > 0) return `${nonFiniteMismatches} NaN or infinite values that should not be, worst${where}`;
  if (!(rhoProven <= 1)) return `${figure(rhoProven)} times its proven budget${where}`;
  if (!(rhoExpected <= 1)) return `${figure(rhoExpected)} times its expected budget${where}, within the proven one`;
  if (isBiased && bias !== null)
    return `errors lean one way, ${figure(bias.meanUlp)} units of the last place on average`;
  if (group !== null)
    return `${group.kind} ${group.index} has ${figure(group.rms / group.limit)} times its expected error`;
  if (stretch !== null && stretch.drawn !== null) {
    return `${figure(stretch.drawn)} times what full-budget errors of these ops make`;
  }
  return 'over its budget';
}

function figure(value: number): string {
  if (value === Infinity) return 'infinitely many';
  return value >= 100_000 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

function shareText(share: number): string {
  return share > 0.9999 ? 'all' : `${(100 * share).toFixed(1)} %`;
}

/** What kind of bug sits where this op is. */
function classOf({ op, value, nonFiniteMismatches }: OpResult): BugClass {
  if (nonFiniteMismatches > 0) return 'OVERFLOW_NONFINITE';
  const { bugClass } = judgementOf(op);
  return typeof bugClass === 'function' ? bugClass(value) : bugClass;
}
