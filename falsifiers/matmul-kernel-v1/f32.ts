// Tries to break the matrix product with f32 weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { f16 } from '../kit/types/f16.ts';
import { f32 } from '../kit/types/f32.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-011': matmulClaim(f32, 'G1', { lender: f16 }),
};
