// From what a judge found to the report of a check: formats, coverage, verdict.
import { profileText, type DeclaredFormats } from '../../engine/program/numeric-profile.ts';
import type { Program } from '../../engine/program/program.ts';
import type { OddWeight } from '../../engine/model/odd-weights.ts';
import type { RangeReport } from '../range/report.ts';
import type { InferredFormat } from './formats.ts';
import type { Judge, OpResult } from './judge.ts';
import type { PathFault } from './run-plan.ts';
import type { Stretch } from './stretch.ts';
import { coverageOf, verdictOf, type CheckVerdict, type Coverage } from './verdict.ts';
import type { Verification } from './verify-program.ts';

export interface CheckReport extends CheckVerdict {
  /** `isDeclared`: not assumed. */
  arithmetic: { name: string; isDeclared: boolean };
  /** What was found out of an engine that does not declare it all. */
  inferred: InferredFormat[];
  verification: Verification;
  coverage: Coverage;
  /** Ops that were judged by themselves, and stretches of several. */
  results: OpResult[];
  /** Stretches of ops that were judged as one. `ratio`: over its bound; of a wide one, over the farthest draw. */
  brackets: (Stretch & { ratio: number; status: OpResult['status'] })[];
  /** Ops that were suspect on both inputs. */
  confirmed: string[];
  /** Where numbers first left their range, and why. */
  outOfRange: RangeReport | null;
  oddWeights: readonly OddWeight[];
  blindSpots: string[];
}

export interface ReportInputs extends Pick<CheckReport, 'verification' | 'outOfRange' | 'oddWeights' | 'blindSpots'> {
  program: Program;
  judge: Judge;
  formats: DeclaredFormats;
  isDeclared: boolean;
  confirmed: ReadonlySet<string>;
  hasOriginal: boolean;
  pathFault: PathFault | null;
}

export function reportOf(inputs: ReportInputs): CheckReport {
  const { program, judge, formats, isDeclared, verification, confirmed, hasOriginal, pathFault, ...rest } = inputs;
  const { outOfRange, oddWeights, blindSpots } = rest;
  const results = judge.finish();
  const inferred = judge.formats();
  const coverage = coverageOf(program, results);
  const logits = results.find(({ value }) => value === program.logits);
  const logitShare = hasOriginal ? (logits?.split?.shares?.weightQuantization ?? null) : null;
  return {
    ...verdictOf({
      program,
      results,
      inferred,
      coverage,
      verification,
      confirmed,
      logitShare,
      pathFault,
      outOfRange,
      oddWeights,
    }),
    arithmetic: { name: profileText(formats.profile), isDeclared },
    inferred,
    verification,
    coverage,
    results,
    brackets: results.flatMap(({ stretch, rhoExpected, status }) =>
      stretch === null ? [] : [{ ...stretch, ratio: stretch.drawn ?? rhoExpected, status }],
    ),
    confirmed: [...confirmed],
    outOfRange,
    oddWeights,
    blindSpots,
  };
}
