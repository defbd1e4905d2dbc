// Tries to break the matrix product with q8_0 weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { gemma3Run } from '../kit/models/gemma3.ts';
import { q8_0 } from '../kit/types/q8_0.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-004': matmulClaim(q8_0, 'C6', { ownRun: gemma3Run }),
};
