// A model as a recording of a run: it is run on the tokens of what it is compared with, on any engine, and read back as
// the capture that this makes. The capture lies in a folder of its own until the comparison is over.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRecording, type Recording } from '../../../diagnosis/recordings/index.ts';
import { captureRun, CaptureWriter, selectStages, STAGE_NAMES } from '../../../engine/index.ts';
import { openExecutor } from '../../../executors.ts';
import { interruptSignal } from '../../interrupt.ts';
import { captureAbout, isHidden } from '../capture-about.ts';
import type { RequestedEngine } from '../engine-option.ts';
import { noteRopeChoice, openModelLogged } from '../open.ts';
import { parseTokenIds, type RenderedPrompt } from '../prompt.ts';

/** What it is to be compared with, or the tokens alone. */
export type RunLike = Pick<Recording, 'tokens' | 'positions' | 'tensors'> | { tokenList: string };

/** @returns `close` removes what was written */
export async function recordRun(
  path: string,
  requested: RequestedEngine,
  like: RunLike,
): Promise<{ recording: Recording; close(): Promise<void> }> {
  const model = await openModelLogged(path);
  const folder = await mkdtemp(join(tmpdir(), 'apr-diff-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const { program, weights } = model;
    const isList = 'tokenList' in like;
    const tokens = isList ? parseTokenIds(like.tokenList, program.vocabSize) : (like.tokens ?? []);
    const positions = isList ? 'all' : like.positions;
    const names = isList ? STAGE_NAMES : new Set([...like.tensors.values()].map(({ name }) => name));
    noteRopeChoice(model, tokens.length);
    const { executor } = await openExecutor(requested.name, program, weights, requested.optionsFor(model.entryPath));
    try {
      const layers = Array.from({ length: program.layerCount }, (_, layer) => layer);
      const { stages } = selectStages(program, { names: [...names], layers });
      const shown = stages.filter((stage) => !isHidden(stage, executor));
      const prompt: Pick<RenderedPrompt, 'ids' | 'text' | 'source'> = {
        ids: [...tokens],
        text: null,
        source: 'tokens',
      };
      const sink = await CaptureWriter.create(folder, await captureAbout(model, executor, prompt, positions));
      await captureRun({ executor, tokens, stages: shown, positions, sink, signal: interruptSignal() });
      await sink.finish();
    } finally {
      await executor.close();
    }
    const recording = await openRecording(folder);
    return { recording: { ...recording, path, form: 'run', label: `${path} (run)` }, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    await model.close();
  }
}
