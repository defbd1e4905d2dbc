// The work of `apr parity --engine webgpu` without an outside engine: both executors run the same ids, their logits are
// compared, and every op is judged on the GPU's own inputs.
import { checkModel, rhoByOp, type CheckReport } from '../../../diagnosis/index.ts';
import { compareWithCpu, logitsOf, withCheck, type CpuParityWord } from '../../../diagnosis/parity/index.ts';
import { findVouchers } from '../../../diagnosis/recordings/index.ts';
import { fileNames, type Executor, type FloatArray, type Model } from '../../../engine/index.ts';
import { openExecutor } from '../../../executors.ts';
import { interruptSignal } from '../../interrupt.ts';
import { EXIT, type ExitCode } from '../../program.ts';
import { printJson, Progress } from '../../terminal.ts';
import { requestedEngine } from '../engine-option.ts';
import { noteRopeChoice, openModelLogged, warn } from '../open.ts';
import { renderPromptOrDefault } from '../render-prompt.ts';
import { printAgainstCpu, type ShownAgainstCpu } from './against-cpu-text.ts';
import type { ParityFlags } from './run.ts';

const EXIT_OF: Readonly<Record<CpuParityWord, ExitCode>> = {
  PASS: EXIT.accepted,
  BUG: EXIT.rejected,
  DIFFERENT: EXIT.rejected,
  SUSPECT: EXIT.declined,
  INCONCLUSIVE: EXIT.declined,
};

const CPU = 'the CPU';

export async function runAgainstCpu(
  path: string,
  promptText: string | undefined,
  flags: ParityFlags,
): Promise<ExitCode> {
  const requested = requestedEngine(flags);
  const model = await openModelLogged(path);
  const progress = new Progress();
  try {
    const prompt = renderPromptOrDefault(model, promptText, flags);
    for (const { severity, message } of prompt.notices) warn(severity, message);
    noteRopeChoice(model, prompt.ids.length);
    const { program, weights, entryPath } = model;
    const opened = await openExecutor(requested.name, program, weights, {
      ...requested.optionsFor(entryPath),
      isChecked: true,
    });
    const { executor, report: engine } = opened;
    let shown: ShownAgainstCpu;
    try {
      const tokens = prompt.ids;
      const signal = interruptSignal();
      const name = executor.adapter ?? executor.id;
      const subject = { name, profile: executor.profile, logits: await logitsOf(executor, tokens, 'all', signal) };
      const cpu = { name: CPU, ...(await askCpu(model, tokens)) };
      const parity = await compareWithCpu({
        program,
        weights,
        tokens,
        subject,
        cpu,
        signal,
        onProgress: (op, index, count) => progress.update(`float64 and draws ${index + 1}/${count} ${op.out}`),
      });
      const check = await checkOps(model, executor, tokens, progress);
      const rho = rhoByOp(program, weights, check.results);
      shown = { model, prompt, engine, parity, check, rho, ...withCheck(parity, check) };
    } finally {
      await executor.close();
    }
    progress.clear();
    if (flags.json === true) printJson(await json(shown));
    else printAgainstCpu(shown, flags.all === true);
    return EXIT_OF[shown.verdict];
  } finally {
    progress.clear();
    await model.close();
  }
}

async function askCpu(
  { program, weights }: Model,
  tokens: readonly number[],
): Promise<Pick<Executor, 'profile'> & { logits: FloatArray }> {
  const { executor } = await openExecutor('cpu', program, weights);
  try {
    const { profile } = executor;
    return { profile, logits: await logitsOf(executor, tokens, 'all', interruptSignal()) };
  } finally {
    await executor.close();
  }
}

/** As `apr check` does, without a free run: how far the whole run drifts is what was just compared. */
async function checkOps(
  model: Model,
  executor: Executor<FloatArray>,
  tokens: readonly number[],
  progress: Progress,
): Promise<CheckReport> {
  const { program, weights, tensors } = model;
  const vouchers = await findVouchers(model, undefined, null, (message) => warn('warning', message));
  try {
    return await checkModel({
      executor,
      program,
      weights,
      tokens,
      original: null,
      verifyOn: vouchers.unquantized?.weights ?? null,
      packs: vouchers.packs,
      hasFreeRun: false,
      nameOf: fileNames(tensors),
      signal: interruptSignal(),
      onProgress: (op, index, count) => progress.update(`judging ${index + 1}/${count} ${op.out}`),
    });
  } finally {
    await vouchers.close();
  }
}

async function json({
  model,
  prompt,
  engine,
  parity,
  check,
  rho,
  verdict,
  sentence,
}: ShownAgainstCpu): Promise<object> {
  const { verdict: parityWord, sentence: paritySentence, positions, ...rest } = parity;
  const { results, ...checked } = check;
  return {
    schemaVersion: 1,
    kind: 'parity-with-cpu',
    verdict,
    sentence,
    bugClass: check.bugClass,
    model: { path: model.path, sha256: await model.sha256(), architecture: model.config.architecture },
    promptIds: prompt.ids,
    prompt: { source: prompt.source, text: prompt.text },
    executor: engine,
    rhoByOp: rho,
    parity: { verdict: parityWord, sentence: paritySentence, ...rest },
    check: checked,
    ops: results,
    positions,
  };
}
