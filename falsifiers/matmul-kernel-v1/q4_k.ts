// Tries to break the matrix product with q4_k weights. See matmul-claim.ts for how it is measured; not claimed here: what
// the blocks decode to, bit for bit (quant-decode-v1).
import { matmulQ4KKernel } from '../../src/engine/cpu/kernels/matmul-q4_k.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-001': matmulClaim('q4_k', matmulQ4KKernel),
};
