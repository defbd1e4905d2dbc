// Tries to break the decoder of f16 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { f16 } from '../kit/types/f16.ts';
import { dequantizeClaim } from './claim.ts';
import { plants } from '../kit/claims/plants.ts';

const faults = plants`
  src/engine/cpu/kernels/matmul-f16.as.ts
  gross f16-subnormals-flushed: subnormals of whole vectors are read as zero
  - const h = v128.load(blocks);
  + const raw = v128.load(blocks), h = v128.and(raw, i16x8.ne(v128.and(raw, i16x8.splat(0x7c00)), zero));
  small f16-tail-negative-zero: negative zero in the last elements of a row loses its sign
  - store<f32>(out, f16ToF32(load<u16>(blocks)))
  + store<f32>(out, f16ToF32(load<u16>(blocks)) + 0)
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-QDEC-009': dequantizeClaim(f16, faults) };
