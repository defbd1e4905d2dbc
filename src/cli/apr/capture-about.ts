// What a capture says of itself, the same whichever command makes it: which model, which tokens, and which executor with
// its profile.
import { basename } from 'node:path';
import {
  rotaryLayoutOf,
  valuesOf,
  type CaptureManifest,
  type Executor,
  type FloatArray,
  type Model,
} from '../../engine/index.ts';
import type { Positions, Stage } from '../../engine/index.ts';
import type { RenderedPrompt } from './prompt.ts';

export async function captureAbout(
  model: Model,
  executor: Executor<FloatArray>,
  prompt: Pick<RenderedPrompt, 'ids' | 'text' | 'source'>,
  positions: Positions,
): Promise<Omit<CaptureManifest, 'files'>> {
  const { id, adapter, profile, undeclared, versions } = executor;
  const rotary = rotaryLayoutOf(model.program);
  return {
    schemaVersion: 1,
    model: { name: basename(model.path), sha256: await model.sha256(), architecture: model.config.architecture },
    tokens: prompt.ids,
    positions,
    prompt: prompt.text,
    chatTemplateApplied: prompt.source === 'chat',
    ...(rotary === null ? {} : { rotary }),
    origin: {
      executor: id,
      adapter,
      profile,
      ...(undeclared === undefined ? {} : { undeclared }),
      versions: { node: process.versions.node, v8: process.versions.v8, ...versions },
    },
  };
}

/** Is a value that the executor cannot show a part of the stage? */
export function isHidden(stage: Stage, { hidden }: Pick<Executor<FloatArray>, 'hidden'>): boolean {
  return hidden !== undefined && [...valuesOf([stage])].some((value) => hidden.has(value));
}
