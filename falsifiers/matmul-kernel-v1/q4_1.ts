// Tries to break the matrix product with q4_1 weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q4_1 } from '../kit/types/q4_1.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-MATM-006': matmulClaim(q4_1, 'C6-small') };
