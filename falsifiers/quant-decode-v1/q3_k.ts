// Tries to break the decoder of q3_k blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q3_k } from '../kit/types/q3_k.ts';
import { dequantizeClaim } from './claim.ts';
import { plants } from '../kit/claims/plants.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-q3_k.as.ts
  gross q3_k-third-bit-inverted: a third bit that is set takes 4 off
  - scaleSigned(o, i8x16.sub(a, four), s0, zero);
  + scaleSigned(o, i8x16.sub(v128.xor(a, four), four), s0, zero);
  small q3_k-scale-upper-bit: the highest bit of the last four scales is lost
  - (((upper >> 6) & 0x03030303) << 4)
  + (((upper >> 6) & 0x01010101) << 4)
  small q3_k-subnormal-scale: a subnormal scale is read as zero
  - f16ToF32(load<u16>(blocks, 108))
  + ((load<u16>(blocks, 108) & 0x7c00) == 0 ? <f32>0 : f16ToF32(load<u16>(blocks, 108)))
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-012': dequantizeClaim(q3_k, faults) };
