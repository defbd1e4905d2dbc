// Tries to break the matrix product with bf16 weights. See matmul-claim.ts for how it is measured; not claimed here: what
// the blocks decode to, bit for bit (quant-decode-v1).
import { matmulBf16Kernel } from '../../src/engine/cpu/kernels/matmul-bf16.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-010': matmulClaim('bf16', matmulBf16Kernel),
};
