// Tries to break the decoder of q4_1 blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { matmulQ41Kernel } from '../../src/engine/cpu/kernels/matmul-q4_1.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

const KERNEL = 'src/engine/cpu/kernels/matmul-q4_1.as.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-006': decodeClaim({
    type: 'q4_1',
    kernel: matmulQ41Kernel,
    faults: [
      {
        id: 'q4_1-minimum-ignored',
        title: 'the minimum is ignored',
        size: 'gross',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'm = v128.load32_splat(out, 4)',
          replace: 'm = zero',
        },
      },
      {
        id: 'q4_1-subnormal-scale',
        title: 'a subnormal scale is read as zero',
        size: 'small',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'const d = v128.load32_splat(out),',
          replace: 'const d = (load<u16>(blocks) & 0x7c00) == 0 ? zero : v128.load32_splat(out),',
        },
      },
    ],
  }),
};
