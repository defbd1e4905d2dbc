// Tries to break the matrix product with q3_k weights: claim.ts. Not claimed here: what the blocks dequantize to, bit for
// bit (quant-decode-v1).
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q3_k } from '../kit/types/q3_k.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-MATM-012': matmulClaim(q3_k) };
