// Tries to break the matrix product with q8_0 weights. See matmul-claim.ts for how it is measured; not claimed here: what
// the blocks decode to, bit for bit (quant-decode-v1).
import { matmulQ80Kernel } from '../../src/engine/cpu/kernels/matmul-q8_0.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-004': matmulClaim('q8_0', matmulQ80Kernel),
};
