// Tries to break the decoder of f16 blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { matmulF16Kernel } from '../../src/engine/cpu/kernels/matmul-f16.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

const KERNEL = 'src/engine/cpu/kernels/matmul-f16.as.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-009': decodeClaim({
    type: 'f16',
    kernel: matmulF16Kernel,
    faults: [
      {
        id: 'f16-subnormals-flushed',
        title: 'subnormals of whole vectors are read as zero',
        size: 'gross',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'const h = v128.load(blocks);',
          replace:
            'const raw = v128.load(blocks), h = v128.and(raw, i16x8.ne(v128.and(raw, i16x8.splat(0x7c00)), zero));',
        },
      },
      {
        id: 'f16-tail-negative-zero',
        title: 'negative zero in the last elements of a row loses its sign',
        size: 'small',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'store<f32>(out, f16ToF32(load<u16>(blocks)))',
          replace: 'store<f32>(out, f16ToF32(load<u16>(blocks)) + 0)',
        },
      },
    ],
  }),
};
