// The work of `apr check`: opens what is needed, runs the check, prints, and decides the exit code.
import { checkModel, type CheckReport, type VerdictWord } from '../../diagnosis/index.ts';
import { writeFileAtomic, type Model } from '../../engine/index.ts';
import { RefuteError } from '../../errors.ts';
import { EXIT, type ExitCode } from '../program.ts';
import { printJson, Progress } from '../terminal.ts';
import { findPacks, findUnquantized, isSameProgram } from './check-packs.ts';
import { checkSvg } from './check-svg.ts';
import { printCheck } from './check-text.ts';
import type { CheckFlags } from './check.ts';
import { openChosenExecutor, type ExecutorReport } from './choose-executor.ts';
import { openModelLogged, warn } from './open.ts';
import { renderPromptOrDefault, type RenderedPrompt } from './prompt.ts';

/** A check as it is shown. */
export interface ShownCheck {
  model: Model;
  original: Model | null;
  executor: ExecutorReport;
  prompt: Pick<RenderedPrompt, 'ids' | 'source' | 'text'>;
  report: CheckReport;
}

const EXIT_OF: Readonly<Record<VerdictWord, ExitCode>> = {
  PASS: EXIT.accepted,
  BUG: EXIT.rejected,
  SUSPECT: EXIT.declined,
  INCONCLUSIVE: EXIT.declined,
};

export async function runCheck(path: string, promptText: string | undefined, flags: CheckFlags): Promise<ExitCode> {
  const model = await openModelLogged(path);
  const original = flags.original === undefined ? null : await openModelLogged(flags.original);
  try {
    if (original !== null && !isSameProgram(model, original)) {
      throw new RefuteError({
        code: 'E_ORIGINAL',
        place: '--original',
        is: `${original.path} compiles to another program`,
        allowed: 'the same model before quantisation is needed',
        next: 'apr diff shows how the two differ',
      });
    }
    const shown = await run(model, original, promptText, flags);
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
  model: Model,
  original: Model | null,
  promptText: string | undefined,
  flags: CheckFlags,
): Promise<ShownCheck> {
  const packs = await findPacks(model, flags.pack);
  const unquantized = await findUnquantized(model, original, packs.length > 0);
  const progress = new Progress();
  try {
    const prompt = renderPromptOrDefault(model, promptText, flags);
    for (const { severity, message } of prompt.notices) warn(severity, message);
    const { executor, report: chosen } = await openChosenExecutor(model, flags.gpu ? 'auto' : 'cpu');
    try {
      const report = await checkModel({
        executor,
        program: model.program,
        weights: model.weights,
        tokens: prompt.ids,
        original: original?.weights ?? null,
        verifyOn: unquantized?.model.weights ?? null,
        packs,
        hasFreeRun: flags.freeRun,
        onProgress: (op, index, count) => progress.update(`judging ${index + 1}/${count} ${op.out}`),
      });
      return { model, original, executor: chosen, prompt, report };
    } finally {
      await executor.close();
    }
  } finally {
    progress.clear();
    if (unquantized?.isOwned === true) await unquantized.model.close();
  }
}

async function checkJson({ model, original, executor, prompt, report }: ShownCheck): Promise<object> {
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
    executor,
    promptIds: prompt.ids,
    prompt: { source: prompt.source, text: prompt.text },
    ...rest,
    ops: results,
  };
}
