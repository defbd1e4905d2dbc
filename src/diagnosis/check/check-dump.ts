// The same judge on a capture of somebody else's engine: each op on the dump's own inputs; where a value is missing,
// the stretch between the last captured values and the next one is judged as one.
import { pause } from '../../engine/program/pause.ts';
import { RefuteError } from '../../errors.ts';
import type { DeclaredFormats } from '../../engine/program/numeric-profile.ts';
import { formatsNamed } from '../reference/profiles.ts';
import { dumpValues } from '../recordings/dump-values.ts';
import type { Recording, StoredFloat } from '../recordings/recording.ts';
import { RangeWatch } from '../range/watch.ts';
import { blindSpots } from './blind-spots.ts';
import { castWeights } from './cast-weights.ts';
import { rangeReport, type CheckOptions, type CheckReport } from './check-model.ts';
import { undeclaredFormats } from './formats.ts';
import { Judge } from './judge.ts';
import { reportOf } from './report.ts';
import { verifyProgram } from './verify-program.ts';

/** As of a run; what the executor gave is in the dump. */
export interface CheckDumpOptions extends Omit<CheckOptions, 'executor'> {
  dump: Recording;
}

export async function checkDump(options: CheckDumpOptions): Promise<CheckReport> {
  const { dump, program, tokens, original, packs, verifyOn, signal, onProgress } = options;
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
  const formats = options.formats ?? dump.formats ?? formatsStored(values.coarsest());
  const weights = castWeights(options.weights, formats.profile.storage);
  const firstPosition = tokens.length - rowCount;
  const judge = new Judge({
    program,
    weights,
    tokens,
    formats,
    hasFreeRun: options.hasFreeRun && dump.positions === 'all',
    original,
    isShown: (value) => values.has(value),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const watch = new RangeWatch(program, weights);
  for (const op of program.ops) {
    await pause(signal);
    if (!values.has(op.out)) continue;
    const engine = await values.read(op.out);
    await watch.see(op.out, engine, firstPosition);
    // Of the last position alone, attention has not seen its keys.
    if (op.op === 'attention' && firstPosition > 0) judge.give(op.out, engine);
    else await judge.judge(op.out, engine, firstPosition);
  }
  const verification = await verifyProgram({ program, weights: verifyOn, packs, contextLength: tokens.length, signal });
  return reportOf({
    program,
    judge,
    formats,
    isDeclared: options.formats !== undefined || dump.formats !== null,
    verification,
    confirmed: new Set(),
    hasOriginal: original !== null,
    pathFault: null,
    oddWeights: options.oddWeights ?? [],
    outOfRange: await rangeReport(watch, { ...options, weights }, formats),
    blindSpots: blindSpots(program, tokens, formats.profile, true),
  });
}

/** Of a dump that declares nothing: as coarse as its tensors are stored. */
function formatsStored(coarsest: StoredFloat): DeclaredFormats {
  if (coarsest === 'f32' || coarsest === 'f64') return undeclaredFormats();
  return undeclaredFormats(formatsNamed(`pytorch-${coarsest}`, 'the dump').profile);
}
