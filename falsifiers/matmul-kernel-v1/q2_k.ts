// Tries to break the matrix product with q2_k weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q2_k } from '../kit/types/q2_k.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-MATM-013': matmulClaim(q2_k) };
