// Tries to break the decoder of q8_0 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q8_0 } from '../kit/types/q8_0.ts';
import { dequantizeClaim } from './claim.ts';
import { plants } from '../kit/claims/plants.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-q8_0.as.ts
  gross q8_0-half-repeated: the second half of a block repeats the first
  - v128.load(blocks, 18)
  + v128.load(blocks, 2)
  small q8_0-subnormal-scale: a subnormal scale is read as zero
  - const d = f32x4.mul(v128.load32_splat(out), shift);
  + const d = (load<u16>(blocks) & 0x7c00) == 0 ? zero : f32x4.mul(v128.load32_splat(out), shift);
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-004': dequantizeClaim(q8_0, faults) };
