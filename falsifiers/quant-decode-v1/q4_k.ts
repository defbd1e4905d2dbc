// Tries to break the decoder of q4_k blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import { Q4_K_FAULTS } from '../../src/diagnosis/faults/dequantize/q4_k.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q4_k } from '../kit/types/q4_k.ts';
import { dequantizeClaim } from './claim.ts';
import { known } from '../kit/claims/known-faults.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-001': dequantizeClaim(q4_k, known(Q4_K_FAULTS, 'W6 W6-small W7 W7-small W13-small')),
};
