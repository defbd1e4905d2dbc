// Tries to break the decoder of q4_1 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q4_1 } from '../kit/types/q4_1.ts';
import { dequantizeClaim, kernelFault } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-006': dequantizeClaim(q4_1, [
    kernelFault(q4_1, 'q4_1-minimum-ignored', 'the minimum is ignored', 'gross', [
      'm = v128.load32_splat(out, 4)',
      'm = zero',
    ]),
    kernelFault(q4_1, 'q4_1-subnormal-scale', 'a subnormal scale is read as zero', 'small', [
      'const d = v128.load32_splat(out),',
      'const d = (load<u16>(blocks) & 0x7c00) == 0 ? zero : v128.load32_splat(out),',
    ]),
  ]),
};
