// Runs a prompt once with the chosen stages tapped. Stages stream from the executor into statistics and files piece by
// piece, so memory does not grow with depth. text.ts and files.ts show what came out.
import { topIndices } from '../../../diagnosis/compare/index.ts';
import { locateBreach, RangeWatch, reportOfBreach } from '../../../diagnosis/range/index.ts';
import {
  captureRun,
  CaptureWriter,
  fileNames,
  isFlat,
  logitRange,
  stageId,
  StatisticsSink,
  teeSinks,
  valuesOf,
} from '../../../engine/index.ts';
import type { Executor, FloatArray, Model, Program, Stage } from '../../../engine/index.ts';
import type { StageSink } from '../../../engine/index.ts';
import { openExecutor } from '../../../executors.ts';
import { interruptSignal } from '../../interrupt.ts';
import { printJson, Progress } from '../../terminal.ts';
import { captureAbout } from '../capture-about.ts';
import { requestedEngine } from '../engine-option.ts';
import { noteRopeChoice, openModelLogged, warn } from '../open.ts';
import type { RenderedPrompt } from '../prompt.ts';
import { renderPrompt } from '../render-prompt.ts';
import { defaultFolder, describeFiles, staleText } from './files.ts';
import { traceJson, type Trace } from './report.ts';
import { selectForTrace, withoutHidden, type TraceOptions, type TraceSelection } from './selection.ts';
import { printTrace } from './text.ts';

export async function traceRun(path: string, promptText: string | undefined, options: TraceOptions): Promise<void> {
  const requested = requestedEngine(options);
  const model = await openModelLogged(path);
  try {
    const asked = selectForTrace(model.program, options);
    for (const name of asked.absent) warn('note', `this model has no stage ${name}; it is not written`);
    const prompt = renderPrompt(model, promptText, options);
    for (const { severity, message } of prompt.notices) warn(severity, message);
    noteRopeChoice(model, prompt.ids.length);
    const { executor, report } = await openExecutor(
      requested.name,
      model.program,
      model.weights,
      requested.optionsFor(model.entryPath),
    );
    try {
      const { selection, left } = withoutHidden(asked, executor, options);
      if (left.length > 0) warn('note', `${report.adapter ?? report.ran} does not show ${left.join(', ')}: left out`);
      const ran = await run(model, executor, prompt, selection, options);
      const stale = ran.files === null ? null : staleText(ran.files);
      if (stale !== null) warn('warning', stale);
      const trace: Trace = { model, executor: report, profile: executor.profile, prompt, selection, ...ran };
      if (options.json === true) printJson(await traceJson(trace));
      else printTrace(trace);
    } finally {
      await executor.close();
    }
  } finally {
    await model.close();
  }
}

async function run(
  model: Model,
  executor: Executor<FloatArray>,
  prompt: RenderedPrompt,
  selection: TraceSelection,
  options: TraceOptions,
): Promise<Pick<Trace, 'statistics' | 'top' | 'outOfRange' | 'isFlat' | 'files'>> {
  const { shown, saved, positions } = selection;
  const statistics = shown === null ? null : new StatisticsSink();
  const writer = saved === null ? null : await startWriting(model, executor, prompt, selection, options);
  const progress = progressSink(model.program);
  const routes = new Map<string, { stage: Stage; sink: StageSink<FloatArray> }>();
  for (const [stages, sink] of [[shown, statistics] as const, [saved, writer] as const]) {
    for (const stage of sink === null ? [] : (stages ?? [])) {
      const before = routes.get(stageId(stage))?.sink ?? progress;
      if (sink !== null) routes.set(stageId(stage), { stage, sink: teeSinks<FloatArray>(before, sink) });
    }
  }
  try {
    const tokens = prompt.ids;
    const stages = [...routes.values()].map(({ stage }) => stage);
    const watch = rangeWatch(model, executor, stages);
    const { logits } = await captureRun({
      executor,
      tokens,
      stages,
      positions,
      sink: routed(routes),
      logits: 'last',
      tap: watch.tap,
      signal: interruptSignal(),
    });
    const files = writer === null ? null : await describeFiles(writer.folder, await writer.finish());
    const outOfRange = await whereOutOfRange(watch, model, executor, tokens, logits);
    const top = topTokens(model, logits);
    return { statistics: statistics?.stages ?? null, top, outOfRange, isFlat: isFlat(logitRange(logits)), files };
  } catch (error) {
    await writer?.abort();
    throw error;
  }
}

/** The head runs for the last position only, unless the stages want it of all. */
function rangeWatch(
  { program, weights }: Model,
  { hidden }: Executor<FloatArray>,
  stages: readonly Stage[],
): RangeWatch {
  const head = program.ops.findLastIndex(({ op }) => op === 'matmul');
  const wanted = valuesOf(stages);
  const left = new Set(program.ops.slice(head).flatMap(({ out }) => (wanted.has(out) ? [] : [out])));
  return new RangeWatch(program, weights, (value) => hidden?.has(value) !== true && !left.has(value));
}

async function whereOutOfRange(
  { breach }: RangeWatch,
  model: Model,
  executor: Executor<FloatArray>,
  tokens: readonly number[],
  logits: FloatArray,
): Promise<Trace['outOfRange']> {
  const context = { weights: model.weights, nameOf: fileNames(model.tensors), signal: interruptSignal() };
  if (breach !== null) return reportOfBreach(breach, { ...context, profile: executor.profile });
  if (logits.every(Number.isFinite)) return null;
  return locateBreach(executor, tokens, { ...context, contextLength: tokens.length });
}

async function startWriting(
  model: Model,
  executor: Executor<FloatArray>,
  prompt: RenderedPrompt,
  { positions }: TraceSelection,
  options: TraceOptions,
): Promise<CaptureWriter> {
  const about = await captureAbout(model, executor, prompt, positions);
  return CaptureWriter.create(options.saveTensorDir ?? defaultFolder(model.path), about);
}

/** Hands each stage to every sink that takes it. */
function routed(routes: ReadonlyMap<string, { sink: StageSink<FloatArray> }>): StageSink<FloatArray> {
  return {
    begin: (stage) => routes.get(stage.id)?.sink.begin(stage),
    append: (stage, data) => routes.get(stage.id)?.sink.append(stage, data),
    end: (stage) => routes.get(stage.id)?.sink.end(stage),
  };
}

function progressSink({ layerCount }: Program): StageSink<FloatArray> {
  const progress = new Progress();
  return {
    begin: ({ layer, name }) => progress.update(layer === null ? name : `layer ${layer + 1}/${layerCount} ${name}`),
    append: () => undefined,
    end: () => progress.clear(),
  };
}

const TOP = 5;

function topTokens(model: Model, logits: FloatArray): Trace['top'] {
  const ids = topIndices(logits, TOP);
  const max = logits[ids[0] ?? 0] ?? 0;
  const sum = Float64Array.from(logits, (logit) => Math.exp(logit - max)).reduce((total, power) => total + power, 0);
  return ids.map((id) => {
    const logit = logits[id] ?? Number.NaN;
    return { id, text: model.text.tokenText(id), logit, probability: Math.exp(logit - max) / sum };
  });
}
