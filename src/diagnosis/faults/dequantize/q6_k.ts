// Faults of dequantizing q6_k blocks, as changes to the kernel that does it. Blocks are dequantized in one place for
// the embedding, the matrices and the tools, so each of these shows in all three.
import type { Fault } from '../fault.ts';
import { kernelChange as changed } from './kernel-change.ts';

export const Q6_K_FAULTS: readonly Fault[] = [
  {
    id: 'W10',
    title: 'upper two bits of q6_k misplaced',
    bugClass: 'DEQUANT_FAILURE',
    firstStage: 'embedding',
    needs: 'a q6_k block with values of 16 or more',
    gross: changed(
      'the upper bits of one quarter are those of the next',
      'matmul-q6_k.as.ts',
      'v128.and(i16x8.shl(h, 4), bits)',
      'v128.and(i16x8.shl(h, 2), bits)',
    ),
    small: changed(
      'the highest bit of one quarter is lost',
      'matmul-q6_k.as.ts',
      'v128.and(i16x8.shr_u(h, 2), bits)',
      'v128.and(i16x8.shr_u(h, 2), i8x16.splat(0x10))',
    ),
  },
];
