// Tries to break the matrix product with q5_1 weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q5_1 } from '../kit/types/q5_1.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-MATM-008': matmulClaim(q5_1) };
