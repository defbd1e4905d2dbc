// Tries to break the decoder of q4_0 blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import { Q4_0_FAULTS } from '../../src/diagnosis/faults/dequantize/q4_0.ts';
import { plantFrom } from '../../src/diagnosis/faults/fault.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q4_0 } from '../kit/types/q4_0.ts';
import { dequantizeClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-005': dequantizeClaim(q4_0, [
    plantFrom(Q4_0_FAULTS, 'W8', 'gross'),
    plantFrom(Q4_0_FAULTS, 'W9', 'gross'),
    plantFrom(Q4_0_FAULTS, 'W8', 'small'),
    plantFrom(Q4_0_FAULTS, 'W9', 'small'),
  ]),
};
