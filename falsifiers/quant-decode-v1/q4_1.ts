// Tries to break the decoder of q4_1 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q4_1 } from '../kit/types/q4_1.ts';
import { dequantizeClaim } from './claim.ts';
import { plants } from '../kit/claims/plants.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-q4_1.as.ts
  gross q4_1-minimum-ignored: the minimum is ignored
  - m = v128.load32_splat(out, 4)
  + m = zero
  small q4_1-subnormal-scale: a subnormal scale is read as zero
  - const d = v128.load32_splat(out),
  + const d = (load<u16>(blocks) & 0x7c00) == 0 ? zero : v128.load32_splat(out),
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-006': dequantizeClaim(q4_1, faults) };
