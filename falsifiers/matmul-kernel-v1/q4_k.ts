// Tries to break the matrix product with q4_k weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { gemma3Run } from '../kit/models/gemma3.ts';
import { q4_k } from '../kit/types/q4_k.ts';
import { matmulClaim, REPRESENTATIVE_FAULTS } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-001': matmulClaim(q4_k, REPRESENTATIVE_FAULTS, { ownRun: gemma3Run }),
};
