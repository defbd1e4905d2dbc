// Tries to break the matrix product with q5_k weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q5_k } from '../kit/types/q5_k.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-MATM-003': matmulClaim(q5_k) };
