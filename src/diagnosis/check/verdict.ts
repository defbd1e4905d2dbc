// From judged ops, coverage and what vouches for the program to one verdict and one sentence. BUG outranks SUSPECT
// outranks INCONCLUSIVE outranks PASS; nothing compared, an op not compared, or an unverified program is never PASS.
import type { Op, Program } from '../../engine/program/program.ts';
import { parseStageId } from '../../engine/program/stages.ts';
import type { BugClass } from '../faults/fault.ts';
import { judgementOf } from '../ops/judgements.ts';
import type { OpResult } from './judge.ts';
import type { PathFault } from './run-plan.ts';
import type { Verification } from './verify-program.ts';

export type VerdictWord = 'PASS' | 'BUG' | 'SUSPECT' | 'INCONCLUSIVE';

export interface Coverage {
  judgedOps: number;
  opCount: number;
  elementCount: number;
  /** Values of the program that were not judged. */
  missing: string[];
}

/** A stretch of ops between two captured values, judged as one because a value between them is missing. */
export interface Stretch {
  after: string;
  upTo: string;
  ops: string[];
  /** Distance from the reference over what full-budget perturbations of every op make. */
  ratio: number;
  status: 'healthy' | 'suspect' | 'faulty';
  /** The captures that would settle which op it is, the most telling first. */
  wanted: string[];
  /** The values that the ops of the stretch write. */
  covers: string[];
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
  brackets: readonly Stretch[];
  coverage: Coverage;
  verification: Verification;
  /** What went wrong around the ops; null: nothing. */
  pathFault: PathFault | null;
  /** Values that were suspect on a second input too. */
  confirmed: ReadonlySet<string>;
  /** What the logits' difference from the original weights is made of; null without them. */
  logitShare: number | null;
}

export function coverageOf(program: Program, results: readonly OpResult[]): Coverage {
  const judged = new Set(results.map(({ value }) => value));
  return {
    judgedOps: judged.size,
    opCount: program.ops.length,
    elementCount: results.reduce((sum, { elementCount }) => sum + elementCount, 0),
    missing: program.ops.map(({ out }) => out).filter((value) => !judged.has(value)),
  };
}

export function verdictOf(input: VerdictInput): CheckVerdict {
  const { program, results, brackets, verification, coverage, confirmed } = input;
  const faulty = results.find(({ status, value }) => status === 'faulty' || confirmed.has(value));
  const faultyStretch = brackets.find(({ status }) => status === 'faulty');
  if (faulty !== undefined && (faultyStretch === undefined || !isEarlier(faultyStretch, faulty, results))) {
    const { layer, op, value } = faulty;
    return {
      verdict: 'BUG',
      sentence: bugSentence(faulty, confirmed),
      bugClass: classOf(faulty),
      at: { layer, op, value },
    };
  }
  if (faultyStretch !== undefined) return stretchVerdict('BUG', faultyStretch, program);
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
  if (suspect !== undefined) {
    const { layer, op, value } = suspect;
    const sentence = `SUSPECT ${placeText(suspect)}: ${whyText(suspect)}`;
    return { verdict: 'SUSPECT', sentence, bugClass: null, at: { layer, op, value } };
  }
  const suspectStretch = brackets.find(({ status }) => status === 'suspect');
  if (suspectStretch !== undefined) return stretchVerdict('SUSPECT', suspectStretch, program);
  const within = `${coverage.judgedOps} of ${coverage.opCount} ops within their budgets`;
  const inconclusive = (why: string): CheckVerdict => ({
    verdict: 'INCONCLUSIVE',
    sentence: `INCONCLUSIVE: ${why}`,
    bugClass: null,
    at: null,
  });
  if (coverage.elementCount === 0 && brackets.length === 0) return inconclusive('nothing was compared');
  if (coverage.missing.length > 0) {
    return inconclusive(`${within}, but ${coverage.missing.length} could not be judged, ${coverage.missing[0]} first`);
  }
  const [first] = brackets;
  if (first !== undefined) {
    const rest = `the others only in ${brackets.length} stretches of several, where a small fault can hide`;
    return inconclusive(`${within}, ${rest}; capture ${first.wanted.join(', ')} to see into the first`);
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

/** Does the stretch end before the op? */
function isEarlier(stretch: Stretch, op: OpResult, results: readonly OpResult[]): boolean {
  const after = results.findIndex(({ value }) => value === stretch.after);
  return after < results.indexOf(op);
}

function stretchVerdict(
  verdict: 'BUG' | 'SUSPECT',
  { after, upTo, ops, ratio, wanted }: Stretch,
  { values }: Program,
): CheckVerdict {
  const sentence = `${verdict} between ${after} and ${upTo} (${ops.join(', ')}): ${figure(ratio)} times what full-budget errors of these ops make; capture ${wanted.join(', ')} to settle which`;
  const layer = values.find(({ id }) => id === upTo)?.layer ?? null;
  return { verdict, sentence, bugClass: null, at: { layer, op: null, value: upTo } };
}

function placeText({ layer, op, value }: Pick<OpResult, 'layer' | 'op' | 'value'>): string {
  const name = value.replace(/^layer-\d+\//, '');
  return `at ${layer === null ? 'the whole model' : `layer ${layer}`} \`${op}\`${name === op ? '' : ` (${name})`}`;
}

function bugSentence(found: OpResult, confirmed: ReadonlySet<string>): string {
  const again = confirmed.has(found.value) && found.status !== 'faulty' ? ', and again on a second input' : '';
  return `BUG ${placeText(found)}: ${whyText(found)}${again}`;
}

function whyText({ nonFiniteMismatches, rhoProven, rhoExpected, worst, isBiased, bias, group }: OpResult): string {
  const head = worst === null || worst.head === null ? '' : `, head ${worst.head}`;
  const where = worst === null ? '' : ` at token ${worst.position}${head}, channel ${worst.channel}`;
  if (nonFiniteMismatches > 0) return `${nonFiniteMismatches} NaN or infinite values that should not be, worst${where}`;
  if (!(rhoProven <= 1)) return `${figure(rhoProven)} times its proven budget${where}`;
  if (!(rhoExpected <= 1)) return `${figure(rhoExpected)} times its expected budget${where}, within the proven one`;
  if (isBiased && bias !== null)
    return `errors lean one way, ${figure(bias.meanUlp)} units of the last place on average`;
  if (group !== null)
    return `${group.kind} ${group.index} has ${figure(group.rms / group.limit)} times its expected error`;
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
