// Tries to break the decoder of q8_0 blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { matmulQ80Kernel } from '../../src/engine/cpu/kernels/matmul-q8_0.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

const KERNEL = 'src/engine/cpu/kernels/matmul-q8_0.as.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-004': decodeClaim({
    type: 'q8_0',
    kernel: matmulQ80Kernel,
    faults: [
      {
        id: 'q8_0-half-repeated',
        title: 'the second half of a block repeats the first',
        size: 'gross',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'v128.load(blocks, 18)',
          replace: 'v128.load(blocks, 2)',
        },
      },
      {
        id: 'q8_0-subnormal-scale',
        title: 'a subnormal scale is read as zero',
        size: 'small',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'const d = f32x4.mul(v128.load32_splat(out), shift);',
          replace: 'const d = (load<u16>(blocks) & 0x7c00) == 0 ? zero : f32x4.mul(v128.load32_splat(out), shift);',
        },
      },
    ],
  }),
};
