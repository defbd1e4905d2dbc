// Tries to break the matrix product with q6_k weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { gemma3Run } from '../kit/models/gemma3.ts';
import { q6_k } from '../kit/types/q6_k.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-002': matmulClaim(q6_k, '', { ownRun: gemma3Run }),
};
