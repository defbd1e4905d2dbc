// Tries to break the decoder of f32 elements, which is a copy: every bit arrives, NaN payloads and the sign of zero
// included. Not claimed here: the matrix product itself.
import { matmulF32Kernel } from '../../src/engine/cpu/kernels/matmul-f32.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

const KERNEL = 'src/engine/cpu/kernels/matmul-f32.as.ts';
export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-011': decodeClaim({
    type: 'f32',
    kernel: matmulF32Kernel,
    faults: [
      {
        id: 'f32-sign-lost',
        title: 'whole vectors lose their signs',
        size: 'gross',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'v128.store(out, v128.load(blocks))',
          replace: 'v128.store(out, f32x4.abs(v128.load(blocks)))',
        },
      },
      {
        id: 'f32-tail-computed',
        title: 'the last elements of a row go through an addition, which loses the sign of zero',
        size: 'small',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'store<u32>(out, load<u32>(blocks))',
          replace: 'store<f32>(out, load<f32>(blocks) + 0)',
        },
      },
    ],
  }),
};
