// Tries to break the decoder of q2_k blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q2_k } from '../kit/types/q2_k.ts';
import { dequantizeClaim } from './claim.ts';
import { plants } from '../kit/claims/plants.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-q2_k.as.ts
  gross q2_k-nibbles-exchanged: scales and minima change places
  - scaleSigned(scales, v128.and(both, nibble), f32x4.mul(d, shift), zero);
  -       scaleSigned(mins, upperNibbles(both, nibble),
  + scaleSigned(scales, upperNibbles(both, nibble), f32x4.mul(d, shift), zero);
  +       scaleSigned(mins, v128.and(both, nibble),
  small q2_k-minimum-of-neighbour: one quarter has the minimum of the quarter before
  - m3 = v128.load32_splat(m, 24)
  + m3 = v128.load32_splat(m, 16)
  small q2_k-subnormal-minimum: a subnormal minimum is read as zero
  - -f16ToF32(load<u16>(blocks, 82))
  + (load<u16>(blocks, 82) & 0x7c00) == 0 ? <f32>0 : -f16ToF32(load<u16>(blocks, 82))
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-013': dequantizeClaim(q2_k, faults) };
