// How a trace looks on a terminal: a table of statistics per layer, the logits' choice, the files.
import { stageId, type Stage } from '../../../engine/index.ts';
import { badCountText, bytesText, countText, float32Text, plural, smallText } from '../../figures.ts';
import { plainText, printLine, printTable, right, style } from '../../terminal.ts';
import { ranText } from '../engine-option.ts';
import type { RenderedPrompt } from '../prompt.ts';
import type { SavedFiles } from './files.ts';
import { firstNonFinite, type Trace } from './report.ts';

export function printTrace(trace: Trace): void {
  const { model, executor, prompt, selection } = trace;
  printLine(`${style.bold('model')}     ${plainText(model.path)}`);
  printLine(`${style.bold('executor')}  ${plainText(ranText(executor))}`);
  printLine(`${style.bold('prompt')}    ${promptLine(prompt)}`);
  if (trace.statistics !== null) {
    const last = prompt.ids.length - 1;
    const window =
      selection.positions === 'all' ? `over all ${plural(prompt.ids.length, 'position')}` : `of position ${last} only`;
    printLine(`${style.bold('statistics')} ${window}; NaN and Inf are counted and left out of mean, std and rms`);
    printStatistics(trace);
    const broken = firstNonFinite(trace);
    if (broken !== null) printLine(style.red(`NaN or Inf first in ${broken}`));
  }
  const { outOfRange } = trace;
  if (outOfRange !== null) {
    printLine();
    printLine(style.red(plainText(`${outOfRange.bugClass} ${outOfRange.sentence}`)));
  }
  printTop(trace);
  if (trace.files !== null) printFiles(trace.files);
}

function printStatistics({ selection, statistics }: Trace): void {
  for (const layer of [...selection.layers, null]) {
    const stages = (selection.shown ?? []).filter((stage) => stage.layer === layer);
    if (stages.length === 0) continue;
    printLine();
    const title = layer === null ? 'whole model' : `layer ${layer}`;
    const cells = stages.map((stage) => statisticsRow(stage, statistics));
    printTable([title, ...['shape', 'mean', 'std', 'min', 'max', 'rms', 'NaN', 'Inf'].map(right)], cells);
  }
}

function statisticsRow(stage: Stage, statistics: Trace['statistics']): string[] {
  const found = statistics?.get(stageId(stage));
  if (found === undefined) return [stage.name, style.red('missing')];
  const { mean, std, min, max, rms, nanCount, infCount } = found.statistics;
  const numbers = [mean, std, min, max, rms].map(smallText);
  return [stage.name, found.shape.join('×'), ...numbers, badCountText(nanCount), badCountText(infCount)];
}

function printTop({ model, top, isFlat, prompt }: Trace): void {
  printLine();
  if (top.length === 0) {
    printLine(style.red('logits: a NaN is among them, so no token is the most likely'));
    return;
  }
  if (isFlat) printLine(style.yellow(`warning LOGITS-EQUAL: all ${model.program.vocabSize} logits are equal`));
  printLine(`${style.bold('logits')} after position ${prompt.ids.length - 1}, top ${top.length}`);
  const rows = top.map(({ id, text, logit, probability }) => [
    String(id),
    plainText(JSON.stringify(text)),
    float32Text(logit),
    `${(100 * probability).toFixed(2)} %`,
  ]);
  printTable([right('token'), 'text', right('logit'), right('probability')], rows);
}

function printFiles({ folder, files }: SavedFiles): void {
  const total = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  printLine();
  printLine(
    `${style.bold('files')} in ${plainText(folder)}: ${plural(files.length, 'stage')}, ${bytesText(total)}, and manifest.json`,
  );
  const cells = files.map(({ path, shape, byteLength }) => [path, shape.join('×'), countText(byteLength)]);
  printTable(['file', right('shape'), right('bytes')], cells);
  printLine(`next: apr diff ${plainText(folder)} OTHER-FOLDER compares them with another capture, stage by stage`);
}

function promptLine({ ids, text, source }: RenderedPrompt): string {
  const from =
    text === null ? 'given as ids' : `${JSON.stringify(text)}${source === 'chat' ? ', from the chat template' : ''}`;
  return `${plural(ids.length, 'token')} (${plainText(from)}): ${ids.join(', ')}`;
}
