// The work of `apr check`: opens what is needed, runs the check, prints, and decides the exit code.
import { checkDump, checkModel, readFormats, type CheckOptions, type VerdictWord } from '../../../diagnosis/index.ts';
import { findVouchers, isSameProgram, nameReport, namesOfProgram } from '../../../diagnosis/recordings/index.ts';
import { openRecording, readMaps } from '../../../diagnosis/recordings/index.ts';
import type { Recording, Vouchers } from '../../../diagnosis/recordings/index.ts';
import {
  fileNames,
  oddWeights,
  writeFileAtomic,
  type DeclaredFormats,
  type Model,
  type OddWeight,
} from '../../../engine/index.ts';
import { RefuteError } from '../../../errors.ts';
import { openExecutor } from '../../../executors.ts';
import { interruptSignal } from '../../interrupt.ts';
import { EXIT, type ExitCode } from '../../program.ts';
import { printJson, Progress } from '../../terminal.ts';
import { checkSvg } from './svg.ts';
import { printCheck, type ShownCheck } from './text.ts';
import { requestedEngine, type EngineFlags } from '../engine-option.ts';
import { noteRopeChoice, openModelLogged, warn } from '../open.ts';
import { parseTokenIds, type PromptFlags } from '../prompt.ts';
import { renderPromptOrDefault } from '../render-prompt.ts';

export interface CheckFlags extends PromptFlags, EngineFlags {
  original?: string;
  /** Folders of packs. */
  pack?: string[];
  dump?: string;
  /** Built-in names and files. */
  map?: string[];
  formats?: string;
  svg?: string;
  all?: true;
  /** False with --no-free-run. */
  freeRun: boolean;
  json?: true;
}

const EXIT_OF: Readonly<Record<VerdictWord, ExitCode>> = {
  PASS: EXIT.accepted,
  BUG: EXIT.rejected,
  SUSPECT: EXIT.declined,
  INCONCLUSIVE: EXIT.declined,
};

export async function runCheck(path: string, promptText: string | undefined, flags: CheckFlags): Promise<ExitCode> {
  requestedEngine(flags);
  const formats = flags.formats === undefined ? undefined : await readFormats(flags.formats, '--formats');
  const model = await openModelLogged(path);
  const original = flags.original === undefined ? null : await openModelLogged(flags.original);
  try {
    if (original !== null && !isSameProgram(model, original)) {
      const is = `${original.path} compiles to another program`;
      const allowed = 'the same model before quantisation is needed';
      const next = 'apr diff shows how the two differ';
      throw new RefuteError({ code: 'E_ORIGINAL', place: '--original', is, allowed, next });
    }
    const odd = await lookAtWeights(model);
    const shown = await run({ model, original, formats, odd }, promptText, flags);
    if (flags.svg !== undefined) await writeFileAtomic(flags.svg, checkSvg(shown));
    if (flags.json === true) printJson(await checkJson(shown));
    else printCheck(shown, flags);
    return EXIT_OF[shown.report.verdict];
  } finally {
    await original?.close();
    await model.close();
  }
}

async function run(
  { model, original, formats, odd }: Omit<Opened, 'vouchers'>,
  promptText: string | undefined,
  flags: CheckFlags,
): Promise<ShownCheck> {
  const vouchers = await findVouchers(model, flags.pack, original, (message) => warn('warning', message));
  const progress = new Progress();
  try {
    if (flags.dump !== undefined) {
      return await runDump(flags.dump, { model, original, formats, odd, vouchers }, flags);
    }
    const prompt = renderPromptOrDefault(model, promptText, flags);
    for (const { severity, message } of prompt.notices) warn(severity, message);
    noteRopeChoice(model, prompt.ids.length);
    const requested = requestedEngine(flags);
    const { executor, report: chosen } = await openExecutor(
      requested.name,
      model.program,
      model.weights,
      // With guards and poison, where the executor has them: no bit of a healthy one changes.
      { ...requested.optionsFor(model.entryPath), isChecked: true },
    );
    try {
      const inputs = checkInputs({ model, original, formats, odd, vouchers }, prompt.ids, flags, progress);
      const report = await checkModel({ executor, ...inputs });
      return { model, original, engine: chosen, prompt, report };
    } finally {
      await executor.close();
    }
  } finally {
    progress.clear();
    await vouchers.close();
  }
}

/** Of every weight that the program reads. */
async function lookAtWeights({ program, weights, tensors }: Model): Promise<readonly OddWeight[]> {
  const read = new Set(program.weights.map(({ name }) => name));
  const progress = new Progress();
  try {
    const { odd } = await oddWeights({
      program,
      weights,
      tensors: tensors.filter(({ name }) => read.has(name)),
      signal: interruptSignal(),
      onProgress: (done, total) => progress.update(`looking at weight ${done + 1}/${total}`),
    });
    return odd;
  } finally {
    progress.clear();
  }
}

interface Opened {
  model: Model;
  original: Model | null;
  /** As the user declares them. */
  formats: DeclaredFormats | undefined;
  odd: readonly OddWeight[];
  vouchers: Vouchers;
}

function checkInputs(
  { model, original, formats, odd, vouchers }: Opened,
  tokens: readonly number[],
  { freeRun }: CheckFlags,
  progress: Progress,
): Omit<CheckOptions, 'executor'> {
  return {
    program: model.program,
    weights: model.weights,
    tokens,
    original: original?.weights ?? null,
    verifyOn: vouchers.unquantized?.weights ?? null,
    packs: vouchers.packs,
    formats,
    oddWeights: odd,
    nameOf: fileNames(model.tensors),
    hasFreeRun: freeRun,
    signal: interruptSignal(),
    onProgress: (op, index, count) => progress.update(`judging ${index + 1}/${count} ${op.out}`),
  };
}

async function runDump(path: string, opened: Opened, flags: CheckFlags): Promise<ShownCheck> {
  const { model, original } = opened;
  const dump = await openRecording(path, await readMaps(flags.map ?? []), namesOfProgram(model.program));
  const progress = new Progress();
  try {
    const given = flags.tokens === undefined ? null : parseTokenIds(flags.tokens, model.config.vocabSize);
    const tokens = tokensOf(dump, given);
    const sha256 = dump.manifest?.model.sha256;
    // An engine that does not know says an empty one.
    if (sha256 !== undefined && sha256 !== '' && sha256 !== (await model.sha256())) {
      warn('warning', `${dump.label} is of a model file with another sha256 (${sha256.slice(0, 12)}…)`);
    }
    noteRopeChoice(model, tokens.length);
    const report = await checkDump({ dump, ...checkInputs(opened, tokens, flags, progress) });
    const prompt: ShownCheck['prompt'] = { ids: [...tokens], source: 'tokens', text: null };
    return { model, original, engine: { dump: dump.label, names: nameReport(dump, model.program) }, prompt, report };
  } finally {
    progress.clear();
  }
}

/** As it says itself, or as --tokens says. */
function tokensOf({ label, tokens }: Recording, given: readonly number[] | null): readonly number[] {
  if (tokens !== null && given !== null && tokens.join() !== given.join()) {
    const is = `it is of the tokens ${tokens.join(',')}`;
    throw new RefuteError({ code: 'E_DUMP_TOKENS', place: label, is, allowed: '--tokens can be left out' });
  }
  const known = tokens ?? given;
  if (known !== null) return known;
  const allowed = 'tokens in the map, or --tokens 1,5,9, are needed';
  throw new RefuteError({ code: 'E_DUMP_TOKENS', place: label, is: 'it does not say which tokens ran', allowed });
}

async function checkJson({ model, original, engine, prompt, report }: ShownCheck): Promise<object> {
  const { verdict, sentence, bugClass, at, results, ...rest } = report;
  return {
    schemaVersion: 1,
    kind: 'check',
    verdict,
    sentence,
    bugClass,
    at,
    model: { path: model.path, sha256: await model.sha256(), architecture: model.config.architecture },
    original: original === null ? null : { path: original.path, sha256: await original.sha256() },
    engine,
    promptIds: prompt.ids,
    prompt: { source: prompt.source, text: prompt.text },
    ...rest,
    ops: results,
  };
}
