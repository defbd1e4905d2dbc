// Tries to break the decoder of q4_k blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { DECODE_FAULTS } from '../../src/diagnosis/faults/decode.ts';
import { plantFrom } from '../../src/diagnosis/faults/fault.ts';
import { matmulQ4KKernel } from '../../src/engine/cpu/kernels/matmul-q4_k.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-001': decodeClaim({
    type: 'q4_k',
    kernel: matmulQ4KKernel,
    faults: [
      plantFrom(DECODE_FAULTS, 'W6', 'gross'),
      plantFrom(DECODE_FAULTS, 'W6', 'small'),
      plantFrom(DECODE_FAULTS, 'W7', 'gross'),
      plantFrom(DECODE_FAULTS, 'W7', 'small'),
      plantFrom(DECODE_FAULTS, 'W13', 'small'),
    ],
  }),
};
