// The same judge on a capture of somebody else's engine: each op on the dump's own inputs; where a value is missing,
// the stretch between the last captured values and the next one is judged as one.
import { operands, type ValueId } from '../../engine/program/program.ts';
import { pause } from '../../engine/program/pause.ts';
import { RefuteError } from '../../errors.ts';
import { UNDECLARED, type NumericProfile } from '../../engine/program/numeric-profile.ts';
import { arithmeticOf } from '../reference/arithmetic.ts';
import { BFLOAT16, FLOAT16 } from '../reference/profiles.ts';
import { dumpValues } from '../recordings/dump-values.ts';
import type { Recording, StoredFloat } from '../recordings/recording.ts';
import { blindSpots } from './blind-spots.ts';
import type { CheckOptions, CheckReport } from './check-model.ts';
import { Judge } from './judge.ts';
import { judgeStretch } from './stretch.ts';
import { coverageOf, verdictOf, type Stretch } from './verdict.ts';
import { verifyProgram } from './verify-program.ts';

/** As of a run; what the executor gave is in the dump. */
export interface CheckDumpOptions extends Omit<CheckOptions, 'executor'> {
  dump: Recording;
}

export async function checkDump(options: CheckDumpOptions): Promise<CheckReport> {
  const { dump, program, weights, tokens, original, packs, verifyOn, signal, onProgress } = options;
  const rowCount = dump.positions === 'all' ? tokens.length : 1;
  const values = dumpValues(dump, program, rowCount);
  const first = program.ops.find(({ out }) => values.has(out));
  if (first === undefined) {
    const names = [...dump.tensors.keys(), ...dump.otherNames];
    throw new RefuteError({
      code: 'E_DUMP_EMPTY',
      place: dump.label,
      is: `none of its ${names.length} tensors is a stage or value of this program, ${names[0] ?? 'there are none'} for one`,
      allowed: 'layer-<N>/<stage> and <stage> are looked for, or what --map says',
      next: 'apr trace MODEL lists the stages',
    });
  }
  await values.read(first.out);
  const profile = profileOfDump(dump, values.coarsest());
  const arithmetic = arithmeticOf(profile);
  const firstPosition = tokens.length - rowCount;
  const isWhole = program.ops.every(({ out }) => values.has(out)) && dump.positions === 'all';
  const hasFreeRun = options.hasFreeRun && isWhole;
  const progress = onProgress === undefined ? {} : { onProgress };
  const judge = new Judge({ program, weights, tokens, arithmetic, hasFreeRun, original, ...progress });
  const widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  const contextLength = tokens.length;
  const chunk = { tokens: tokens.slice(firstPosition), firstPosition, isLast: true, contextLength };
  const brackets: Stretch[] = [];
  const covered = new Set<ValueId>();
  for (const op of program.ops) {
    await pause(signal);
    if (!values.has(op.out)) continue;
    const engine = await values.read(op.out);
    // Of the last position alone, attention has not seen its keys.
    if (op.op === 'attention' && firstPosition > 0) {
      judge.give(op.out, engine);
      continue;
    }
    if (operands(op).reads.every((id) => values.has(id))) {
      await judge.judge(op.out, engine, firstPosition);
      continue;
    }
    judge.give(op.out, engine);
    const stretch = await judgeStretch(op, engine, { program, weights, arithmetic, widths, chunk, values });
    if (stretch === null) continue;
    brackets.push(stretch);
    for (const id of stretch.covers) covered.add(id);
  }
  const results = judge.finish();
  const single = coverageOf(program, results);
  const coverage = { ...single, missing: single.missing.filter((id) => !covered.has(id)) };
  const verification = await verifyProgram({ program, weights: verifyOn, packs, contextLength: tokens.length, signal });
  const logits = results.find(({ value }) => value === program.logits);
  const logitShare = original === null ? null : (logits?.split?.shares?.weightQuantization ?? null);
  const confirmed = new Set<string>();
  return {
    ...verdictOf({ program, results, brackets, coverage, verification, confirmed, logitShare, pathFault: null }),
    arithmetic: { name: arithmetic.name, isDeclared: dump.formats !== null },
    verification,
    coverage,
    results,
    brackets,
    confirmed: [],
    blindSpots: blindSpots(program, tokens, profile, true),
  };
}

/** As declared where one of our executors made it. Else float32, or as coarse as its tensors are stored. */
function profileOfDump({ formats }: Recording, coarsest: StoredFloat): NumericProfile {
  if (formats !== null) return formats.profile;
  if (coarsest === 'f16') return FLOAT16;
  return coarsest === 'bf16' ? BFLOAT16 : UNDECLARED;
}
