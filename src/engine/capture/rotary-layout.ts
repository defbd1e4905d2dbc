// In which order the channels of a head of q and k stand. Converters to GGUF permute the rows of the matrices of `llama`
// files, and with them everything that is computed up to the attention, where the order no longer shows.
import type { Program, RopePairing } from '../program/program.ts';

/** `halves`: a pair is channel i and i + rotaryDim/2, as Transformers trains; `pairs`: channels 2i and 2i + 1. */
export const ROTARY_ROWS = ['halves', 'pairs'] as const;
export type RotaryRows = (typeof ROTARY_ROWS)[number];

export interface RotaryLayout {
  rows: RotaryRows;
  headDim: number;
  rotaryDim: number;
  kvHeadCount: number;
}

const ROWS: Readonly<Record<RopePairing, RotaryRows>> = { neox: 'halves', norm: 'pairs' };

/** null: nothing is rotated. */
export function rotaryLayoutOf({ ops }: Program): RotaryLayout | null {
  const rope = ops.find((op) => op.op === 'rope');
  const attention = ops.find((op) => op.op === 'attention');
  if (rope === undefined || attention === undefined) return null;
  const { headDim, rope: parameters } = rope;
  const { kvHeadCount } = attention;
  return { rows: ROWS[parameters.pairing], headDim, rotaryDim: parameters.rotaryDim, kvHeadCount };
}
