// Tries to break the decoder of q5_k blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { plants } from '../kit/claims/plants.ts';
import { q5_k } from '../kit/types/q5_k.ts';
import { dequantizeClaim } from './claim.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-q5_k.as.ts
  gross q5_k-fifth-bits-of-neighbour: half of the even sub-blocks has the fifth bits of the other half
  - v128.or(v128.and(q1, nibble), v128.and(h1, fifth))
  + v128.or(v128.and(q1, nibble), v128.and(h0, fifth))
  src/engine/cpu/kernels/lib/scales-k.as.ts
  small q5_k-subnormal-minimum: a subnormal minimum is read as zero
  - f32x4.splat(-f16ToF32(load<u16>(block, 2)))
  + f32x4.splat((load<u16>(block, 2) & 0x7c00) == 0 ? 0 : -f16ToF32(load<u16>(block, 2)))
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-003': dequantizeClaim(q5_k, faults) };
