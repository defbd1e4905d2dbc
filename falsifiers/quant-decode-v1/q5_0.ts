// Tries to break the decoder of q5_0 blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { matmulQ50Kernel } from '../../src/engine/cpu/kernels/matmul-q5_0.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

const KERNEL = 'src/engine/cpu/kernels/matmul-q5_0.as.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-007': decodeClaim({
    type: 'q5_0',
    kernel: matmulQ50Kernel,
    faults: [
      {
        id: 'q5_0-fifth-bits-repeated',
        title: 'the upper half has the fifth bits of the lower',
        size: 'gross',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'fifthBits(blocks + 4)',
          replace: 'fifthBits(blocks + 2)',
        },
      },
      {
        id: 'q5_0-subnormal-scale',
        title: 'a subnormal scale is read as zero',
        size: 'small',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'const d = f32x4.mul(v128.load32_splat(out), shift);',
          replace: 'const d = (load<u16>(blocks) & 0x7c00) == 0 ? zero : f32x4.mul(v128.load32_splat(out), shift);',
        },
      },
    ],
  }),
};
