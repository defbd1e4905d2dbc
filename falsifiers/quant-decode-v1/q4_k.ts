// Tries to break the decoder of q4_k blocks that the matmul kernel of that type uses: claim.ts. Not claimed here: the matrix
// product itself.
import { Q4_K_FAULTS } from '../../src/diagnosis/faults/dequantize/q4_k.ts';
import { plantFrom } from '../../src/diagnosis/faults/fault.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { q4_k } from '../kit/types/q4_k.ts';
import { dequantizeClaim } from './claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-001': dequantizeClaim(q4_k, [
    plantFrom(Q4_K_FAULTS, 'W6', 'gross'),
    plantFrom(Q4_K_FAULTS, 'W6', 'small'),
    plantFrom(Q4_K_FAULTS, 'W7', 'gross'),
    plantFrom(Q4_K_FAULTS, 'W7', 'small'),
    plantFrom(Q4_K_FAULTS, 'W13', 'small'),
  ]),
};
