// Tries to break the decoder of q5_1 blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { matmulQ51Kernel } from '../../src/engine/cpu/kernels/matmul-q5_1.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

const KERNEL = 'src/engine/cpu/kernels/matmul-q5_1.as.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-008': decodeClaim({
    type: 'q5_1',
    kernel: matmulQ51Kernel,
    faults: [
      {
        id: 'q5_1-fifth-bits-repeated',
        title: 'the upper half has the fifth bits of the lower',
        size: 'gross',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'fifthBits(blocks + 6)',
          replace: 'fifthBits(blocks + 4)',
        },
      },
      {
        id: 'q5_1-subnormal-minimum',
        title: 'a subnormal minimum is read as zero',
        size: 'small',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'm = v128.load32_splat(out, 4)',
          replace: 'm = (load<u16>(blocks, 2) & 0x7c00) == 0 ? zero : v128.load32_splat(out, 4)',
        },
      },
    ],
  }),
};
