// Tries to break the matrix product with q5_k weights. See matmul-claim.ts for how it is measured; not claimed here: what
// the blocks decode to, bit for bit (quant-decode-v1).
import { matmulQ5KKernel } from '../../src/engine/cpu/kernels/matmul-q5_k.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-003': matmulClaim('q5_k', matmulQ5KKernel),
};
