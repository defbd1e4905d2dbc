// Tries to break the decoder of q5_1 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q5_1 } from '../kit/types/q5_1.ts';
import { dequantizeClaim } from './claim.ts';
import { plants } from '../kit/claims/plants.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-q5_1.as.ts
  gross q5_1-fifth-bits-repeated: the upper half has the fifth bits of the lower
  - fifthBits(blocks + 6)
  + fifthBits(blocks + 4)
  small q5_1-subnormal-minimum: a subnormal minimum is read as zero
  - m = v128.load32_splat(out, 4)
  + m = (load<u16>(blocks, 2) & 0x7c00) == 0 ? zero : v128.load32_splat(out, 4)
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-008': dequantizeClaim(q5_1, faults) };
