// Tries to break the decoder of q6_k blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { DECODE_FAULTS } from '../../src/diagnosis/faults/decode.ts';
import { plantFrom } from '../../src/diagnosis/faults/fault.ts';
import { matmulQ6KKernel } from '../../src/engine/cpu/kernels/matmul-q6_k.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

const KERNEL = 'src/engine/cpu/kernels/matmul-q6_k.as.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-002': decodeClaim({
    type: 'q6_k',
    kernel: matmulQ6KKernel,
    faults: [
      plantFrom(DECODE_FAULTS, 'W10', 'gross'),
      plantFrom(DECODE_FAULTS, 'W10', 'small'),
      {
        id: 'q6_k-scale-of-neighbour',
        title: 'one quarter has the scale of the quarter before',
        size: 'small',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 's3 = v128.load32_splat(s, 24)',
          replace: 's3 = v128.load32_splat(s, 16)',
        },
      },
    ],
  }),
};
