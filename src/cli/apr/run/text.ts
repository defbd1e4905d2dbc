// What `apr run` shows to people: the generated text on stdout as it comes, the rest on stderr.
import type { Notice, FinishReason, SamplingOptions, StepUsage } from '../../../engine/index.ts';
import type { ExecutorReport } from '../../../executors.ts';
import { badCountText, float32Text, plural, smallText } from '../../figures.ts';
import { errorStyle, formatTable, plainText, right, type Column } from '../../terminal.ts';
import { ranText } from '../engine-option.ts';
import { shapeText } from '../open.ts';
import type { RefuteError } from '../../../errors.ts';
import type { RenderedPrompt } from '../prompt.ts';
import type { ParityGate } from './gate.ts';
import type { Timings } from './model.ts';
import type { TracedRun } from './traced-stages.ts';

/** What `--json` prints. */
export interface RunReport {
  schemaVersion: 1;
  promptIds: number[];
  generatedIds: number[];
  text: string;
  finishReason: FinishReason;
  /** The end token behind `stop`; not one of the generated ids. */
  stopId: number | null;
  prompt: { source: 'chat' | 'raw' | 'tokens'; text: string | null };
  sampling: SamplingOptions & { seed: number };
  executor: ExecutorReport;
  /** null where there is no GPU to hold against the CPU. */
  parityGate: ParityGate | null;
  /** Of a decode step without taps, or else of the last run; null where the executor has no dispatches. */
  usage: StepUsage | null;
  model: { path: string; sha256: string; architecture: string };
  timings: Timings;
  notices: readonly Notice[];
  /** With --trace. */
  trace?: TracedRun[];
}

export function printPrompt({ ids, source }: RenderedPrompt, notices: readonly Notice[]): void {
  printNotices(notices);
  const how = { chat: 'through the chat template', raw: 'as it stands', tokens: 'as ids' }[source];
  printError(`prompt ${how}, ${plural(ids.length, 'token')}: ${ids.join(',')}`);
}

export function printNotices(notices: readonly Notice[]): void {
  for (const { severity, code, message } of notices) {
    const text = `${severity} [${code}] ${plainText(message)}`;
    printError(severity === 'warning' ? errorStyle.yellow(text) : text);
  }
}

/** Streams to stdout. On a terminal the control characters of a text are shown, not obeyed. */
export class TextWriter {
  #lastCharacter = '\n';

  write(text: string): void {
    if (text === '') return;
    this.#lastCharacter = text.at(-1) ?? '';
    process.stdout.write(process.stdout.isTTY ? text.replaceAll(/[^\P{Cc}\n\t]/gu, plainText) : text);
  }

  end(): void {
    if (this.#lastCharacter !== '\n') process.stdout.write('\n');
  }
}

export function printSummary(report: RunReport): void {
  const { generatedIds, finishReason, stopId, timings, executor } = report;
  for (const run of report.trace ?? []) printTrace(run);
  if (report.trace !== undefined && report.usage !== null) printError(`\n${usageText(report.usage)}`);
  const stopped = stopId === null ? finishReason : `${finishReason} at token ${stopId}`;
  printError(`${plural(generatedIds.length, 'token')}, ${stopped}: ${generatedIds.join(',')}`);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const speed = (perSecond: number | null): string => (perSecond === null ? '' : ` (${perSecond.toFixed(1)} tokens/s)`);
  const prompt = `prompt ${seconds(timings.promptMs)}${speed(timings.promptTokensPerSecond)}`;
  const decode = `decode ${seconds(timings.decodeMs)}${speed(timings.decodeTokensPerSecond)}`;
  printError(`load ${seconds(timings.loadMs)}, ${prompt}, ${decode}; executor ${ranText(executor)}`);
}

function usageText({ dispatches, submits, mostPerLayer }: StepUsage): string {
  return `dispatches: ${dispatches} a token, at most ${mostPerLayer} a layer (${plural(submits, 'submit')})`;
}

/** Measured, and refused: beside what a run says, and in place of its text. */
export const NOTHING_SAID = { generatedIds: [], text: '', finishReason: 'refused', stopId: null } as const;

export function printRefusal({ code, message }: RefuteError): void {
  printError(`${errorStyle.red('error')} ${code} ${plainText(message)}`);
}

const COLUMNS: readonly Column[] = [
  right('layer'),
  'stage',
  'shape',
  ...['mean', 'std', 'min', 'max', 'NaN', 'Inf'].map(right),
  'first values',
];

function printTrace({ step, firstPosition, tokenCount, stages }: TracedRun): void {
  const what = step === 0 ? 'prompt' : `decode step ${step}`;
  printError(`\n${errorStyle.bold(what)}: ${plural(tokenCount, 'token')} from position ${firstPosition}`);
  const rows = stages.map(
    ({ layer, name, shape, firstValues, statistics: { mean, std, min, max, nanCount, infCount } }) => [
      layer === null ? '' : String(layer),
      name,
      shapeText(shape),
      ...[mean, std, min, max].map(smallText),
      badCountText(nanCount),
      badCountText(infCount),
      firstValues.map(float32Text).join(' '),
    ],
  );
  printError(formatTable(COLUMNS, rows));
}

function printError(line: string): void {
  process.stderr.write(`${line}\n`);
}
