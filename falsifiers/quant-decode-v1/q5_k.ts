// Tries to break the decoder of q5_k blocks that the matmul kernel of that type uses. See decode-claim.ts for how it is
// measured; not claimed here: the matrix product itself.
import { matmulQ5KKernel } from '../../src/engine/cpu/kernels/matmul-q5_k.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { decodeClaim } from '../kit/claims/decode-claim.ts';

const KERNEL = 'src/engine/cpu/kernels/matmul-q5_k.as.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-QDEC-003': decodeClaim({
    type: 'q5_k',
    kernel: matmulQ5KKernel,
    faults: [
      {
        id: 'q5_k-fifth-bits-of-neighbour',
        title: 'half of the even sub-blocks has the fifth bits of the other half',
        size: 'gross',
        inject: {
          kind: 'source',
          file: KERNEL,
          find: 'v128.or(v128.and(q1, nibble), v128.and(h1, fifth))',
          replace: 'v128.or(v128.and(q1, nibble), v128.and(h0, fifth))',
        },
      },
      {
        id: 'q5_k-subnormal-minimum',
        title: 'a subnormal minimum is read as zero',
        size: 'small',
        inject: {
          kind: 'source',
          file: 'src/engine/cpu/kernels/lib/scales-k.as.ts',
          find: 'f32x4.splat(-f16ToF32(load<u16>(block, 2)))',
          replace: 'f32x4.splat((load<u16>(block, 2) & 0x7c00) == 0 ? 0 : -f16ToF32(load<u16>(block, 2)))',
        },
      },
    ],
  }),
};
