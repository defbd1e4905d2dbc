// Tries to break the decoder of bf16 blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { matmulBf16Kernel } from '../../src/engine/cpu/kernels/matmul-bf16.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

const KERNEL = 'src/engine/cpu/kernels/matmul-bf16.as.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-010': decodeClaim({
    type: 'bf16',
    kernel: matmulBf16Kernel,
    faults: [
      {
        id: 'bf16-shifted-by-15',
        title: 'whole vectors are shifted by 15 bits instead of 16',
        size: 'gross',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'i32x4.shl(v128.load16x4_u(blocks), 16)',
          replace: 'i32x4.shl(v128.load16x4_u(blocks), 15)',
        },
      },
      {
        id: 'bf16-tail-lowest-bit',
        title: 'the lowest bit of the last elements of a row is lost',
        size: 'small',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: '<u32>load<u16>(blocks) << 16',
          replace: '<u32>(load<u16>(blocks) & 0xfffe) << 16',
        },
      },
    ],
  }),
};
