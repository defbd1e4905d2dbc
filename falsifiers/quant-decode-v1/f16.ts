// Tries to break the decoder of f16 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { f16 } from '../kit/types/f16.ts';
import { dequantizeClaim, kernelFault } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-009': dequantizeClaim(f16, [
    kernelFault(f16, 'f16-subnormals-flushed', 'subnormals of whole vectors are read as zero', 'gross', [
      'const h = v128.load(blocks);',
      'const raw = v128.load(blocks), h = v128.and(raw, i16x8.ne(v128.and(raw, i16x8.splat(0x7c00)), zero));',
    ]),
    kernelFault(f16, 'f16-tail-negative-zero', 'negative zero in the last elements of a row loses its sign', 'small', [
      'store<f32>(out, f16ToF32(load<u16>(blocks)))',
      'store<f32>(out, f16ToF32(load<u16>(blocks)) + 0)',
    ]),
  ]),
};
