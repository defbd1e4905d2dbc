// Tries to break the matrix product with f16 weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { f16 } from '../kit/types/f16.ts';
import { matmulClaim, REPRESENTATIVE_FAULTS } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-009': matmulClaim(f16, REPRESENTATIVE_FAULTS),
};
