// Tries to break the decoder of q5_0 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q5_0 } from '../kit/types/q5_0.ts';
import { dequantizeClaim } from './claim.ts';
import { plants } from '../kit/claims/plants.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-q5_0.as.ts
  gross q5_0-fifth-bits-repeated: the upper half has the fifth bits of the lower
  - fifthBits(blocks + 4)
  + fifthBits(blocks + 2)
  small q5_0-subnormal-scale: a subnormal scale is read as zero
  - const d = f32x4.mul(v128.load32_splat(out), shift);
  + const d = (load<u16>(blocks) & 0x7c00) == 0 ? zero : f32x4.mul(v128.load32_splat(out), shift);
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-007': dequantizeClaim(q5_0, faults) };
