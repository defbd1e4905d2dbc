// Tries to break the matrix product with f32 weights. See matmul-claim.ts for how it is measured; not claimed here: what
// the blocks decode to, bit for bit (quant-decode-v1).
import { matmulF32Kernel } from '../../src/engine/cpu/kernels/matmul-f32.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { matmulClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MATM-011': matmulClaim('f32', matmulF32Kernel),
};
