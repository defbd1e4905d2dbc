// Tries to break the decoder of q6_k blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import { Q6_K_FAULTS } from '../../src/diagnosis/faults/dequantize/q6_k.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q6_k } from '../kit/types/q6_k.ts';
import { dequantizeClaim } from './claim.ts';
import { known } from '../kit/claims/known-faults.ts';
import { plants } from '../kit/claims/plants.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-002': dequantizeClaim(q6_k, [
    ...known(Q6_K_FAULTS, 'W10 W10-small'),
    ...plants`
      src/engine/cpu/kernels/matmul-q6_k.as.ts
      small q6_k-scale-of-neighbour: one quarter has the scale of the quarter before
      - s3 = v128.load32_splat(s, 24)
      + s3 = v128.load32_splat(s, 16)
    `,
  ]),
};
