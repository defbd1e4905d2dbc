// What the readers of both formats, and the commands, say of a scaling: yarn's attention factor, the positions that a
// model is scaled for, and, where frequencies go by the length of a session, which ones a session gets.
import type { Notice } from '../model.ts';
import { LIMITS } from './config-rules.ts';
import type { MetadataReader } from './metadata-reader.ts';
import type { Program, RopeParameters, RopeScaling } from './program.ts';

/** 0.1 · mscale · ln(factor) + 1, and the quotient of two such where both are given (as DeepSeek has it). */
export function yarnAttentionFactor(factor: number, mscale?: number, mscaleAllDim?: number): number {
  const scale = (by: number): number => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale === undefined || mscaleAllDim === undefined ? scale(1) : scale(mscale) / scale(mscaleAllDim);
}

/**
 * Positions that a model takes: what its file says, or as far as its scaling reaches where that is further. A file whose
 * owner turned yarn or dynamic scaling on often still says the length before.
 */
export function readContextLength(reader: MetadataReader, { scaling }: RopeParameters, stated: number): number {
  if (scaling.type !== 'yarn' && scaling.type !== 'dynamic') return stated;
  const reach = Math.min(Math.floor(scaling.factor * scaling.originalContextLength), LIMITS.contextLength);
  if (reach <= stated) return stated;
  reader.record('contextLength', 'metadata', 'rope scaling: factor · original context length');
  return reach;
}

/** null: frequencies are the same for every length. */
export function byLengthRule(scaling: RopeScaling): string | null {
  switch (scaling.type) {
    case 'longrope':
      return `long factors in sessions of more than ${scaling.originalContextLength} positions, short ones otherwise`;
    case 'dynamic':
      return `theta grows in sessions of more than ${scaling.originalContextLength} positions`;
    default:
      return null;
  }
}

export function byLengthNotice(scaling: RopeScaling): Notice | null {
  const rule = byLengthRule(scaling);
  if (rule === null) return null;
  const message = `${scaling.type} rope scaling: ${rule}. It goes by the length that a session is opened for, so that a step and a prompt give the same; Transformers goes by the text so far, and agrees where that is the whole session.`;
  return { severity: 'note', code: 'ROPE-BY-LENGTH', message };
}

/** Which frequencies a session of that length has; null where there is one choice only. */
export function chosenByLength({ ops }: Program, contextLength: number): string | null {
  const op = ops.find((candidate) => candidate.op === 'rope' && byLengthRule(candidate.rope.scaling) !== null);
  if (op?.op !== 'rope') return null;
  const { scaling } = op.rope;
  if (scaling.type !== 'longrope' && scaling.type !== 'dynamic') return null;
  const isBeyond = contextLength > scaling.originalContextLength;
  const chosen =
    scaling.type === 'longrope'
      ? `the ${isBeyond ? 'long' : 'short'} factors`
      : `theta ${isBeyond ? 'grown' : 'as it is'}`;
  return `${scaling.type} rope scaling: ${chosen}, for a session of ${contextLength} positions (original context: ${scaling.originalContextLength}).`;
}
