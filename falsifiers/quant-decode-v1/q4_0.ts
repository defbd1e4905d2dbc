// Tries to break the decoder of q4_0 blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { DECODE_FAULTS } from '../../src/diagnosis/faults/decode.ts';
import { plantFrom } from '../../src/diagnosis/faults/fault.ts';
import { matmulQ40Kernel } from '../../src/engine/cpu/kernels/matmul-q4_0.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-005': decodeClaim({
    type: 'q4_0',
    kernel: matmulQ40Kernel,
    faults: [
      plantFrom(DECODE_FAULTS, 'W8', 'gross'),
      plantFrom(DECODE_FAULTS, 'W9', 'gross'),
      plantFrom(DECODE_FAULTS, 'W8', 'small'),
      plantFrom(DECODE_FAULTS, 'W9', 'small'),
    ],
  }),
};
