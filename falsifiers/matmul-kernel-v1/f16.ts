// Tries to break the matrix product with f16 weights. See matmul-claim.ts for how it is measured; not claimed here: what
// the blocks decode to, bit for bit (quant-decode-v1).
import { matmulF16Kernel } from '../../src/engine/cpu/kernels/matmul-f16.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-009': matmulClaim('f16', matmulF16Kernel),
};
