// Tries to break the decoder of q4_0 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import { Q4_0_FAULTS } from '../../src/diagnosis/faults/dequantize/q4_0.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q4_0 } from '../kit/types/q4_0.ts';
import { dequantizeClaim } from './claim.ts';
import { known } from '../kit/claims/known-faults.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-005': dequantizeClaim(q4_0, known(Q4_0_FAULTS, 'W8 W9 W8-small W9-small')),
};
