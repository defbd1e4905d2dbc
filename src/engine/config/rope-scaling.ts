// Rules of rope scaling that hold in every format: yarn's attention factor and the positions that a model is scaled
// for; and, for commands, which frequencies a session gets where they depend on its length.
import type { Notice } from '../../notice.ts';
import { LIMITS } from './config-rules.ts';
import type { ConfigReader } from './config-reader.ts';
import type { Program, RopeParameters, RopeScaling } from '../program/program.ts';

/** 0.1 · mscale · ln(factor) + 1, and the quotient of two such where both are given (as DeepSeek has it). */
export function yarnAttentionFactor(factor: number, mscale?: number, mscaleAllDim?: number): number {
  const scale = (by: number): number => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale === undefined || mscaleAllDim === undefined ? scale(1) : scale(mscale) / scale(mscaleAllDim);
}

/**
 * Positions that a model takes: what its file says, or as far as its scaling reaches where that is further. A file
 * whose owner turned yarn or dynamic scaling on often still says the length before.
 */
export function readContextLength(reader: ConfigReader, { scaling }: RopeParameters, stated: number): number {
  if (scaling.type !== 'yarn' && scaling.type !== 'dynamic') return stated;
  const reach = Math.min(Math.floor(scaling.factor * scaling.originalContextLength), LIMITS.contextLength);
  if (reach <= stated) return stated;
  reader.record('contextLength', 'metadata', 'rope scaling: factor · original context length');
  return reach;
}

/** null: frequencies are the same for every length. */
export function byLengthRule(scaling: RopeScaling): string | null {
  if (scaling.type === 'longrope') {
    return `long factors in sessions of more than ${scaling.originalContextLength} positions, short ones otherwise`;
  }
  if (scaling.type !== 'dynamic') return null;
  return `theta grows in sessions of more than ${scaling.originalContextLength} positions`;
}

export function byLengthNotice(scaling: RopeScaling): Notice | null {
  const rule = byLengthRule(scaling);
  if (rule === null) return null;
  const message = `${scaling.type} rope scaling: ${rule}. It goes by the length that a session is opened for, so that a step and a prompt give the same; Transformers goes by the text so far, and agrees where that is the whole session.`;
  return { severity: 'note', code: 'ROPE-BY-LENGTH', message };
}

/** The scaling of a program whose frequencies go by the length of a session, and whether that length is beyond. */
export function ropeByLength(
  { ops }: Program,
  contextLength: number,
): { type: 'longrope' | 'dynamic'; originalContextLength: number; isBeyond: boolean } | null {
  for (const op of ops) {
    const scaling = op.op === 'rope' ? op.rope.scaling : null;
    if (scaling?.type !== 'longrope' && scaling?.type !== 'dynamic') continue;
    const { type, originalContextLength } = scaling;
    return { type, originalContextLength, isBeyond: contextLength > originalContextLength };
  }
  return null;
}

/** Which frequencies a session of that length has; null where there is one choice only. */
export function chosenByLength(program: Program, contextLength: number): Notice | null {
  const found = ropeByLength(program, contextLength);
  if (found === null) return null;
  const { type, originalContextLength, isBeyond } = found;
  const [within, beyond] =
    type === 'longrope' ? ['the short factors', 'the long factors'] : ['theta as it is', 'theta grown'];
  const message = `This session is for ${contextLength} positions, the original context is ${originalContextLength}: ${isBeyond ? beyond : within}.`;
  return { severity: 'note', code: 'ROPE-CHOSEN', message };
}
